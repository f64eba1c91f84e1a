import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Block } from './doc-blocks.ts'

const END = '\u001e'

/** Runs each file whose path comes on its input; what one leaves in its variables the next one finds. */
const pythonLoop = `
import sys
names = {"__name__": "__main__"}
for path in sys.stdin:
    path = path.strip()
    exec(compile(open(path, encoding="utf-8").read(), path, "exec"), names)
    print("\\x1e", end="", flush=True)
`

export interface SessionOptions {
  folder: string
  env: Record<string, string>
}

/** One interpreter that runs the blocks of a page one after the other, as somebody would who pastes them. */
export class ShellSession {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #folder: string
  readonly #line: (file: string) => string
  #ended = false
  #stdout = ''
  #stderr = ''
  #wake = (): void => {}

  static bash(this: void, options: SessionOptions): ShellSession {
    const session = new ShellSession('bash', ['--noprofile', '--norc'], options, (file) => `source '${file}' </dev/null; printf '\\036'\n`)
    session.#child.stdin.write('set -euo pipefail\n')
    return session
  }

  static python(this: void, options: SessionOptions): ShellSession {
    return new ShellSession('python3', ['-u', '-c', pythonLoop], options, (file) => `${file}\n`)
  }

  private constructor(command: string, args: string[], { folder, env }: SessionOptions, line: (file: string) => string) {
    this.#folder = folder
    this.#line = line
    this.#child = spawn(command, args, { cwd: folder, env: { PATH: process.env['PATH'] ?? '', PYTHONUTF8: '1', ...env } })
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
      this.#wake()
    })
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text))
    // A block that ends the interpreter closes the pipe under the next one.
    this.#child.stdin.on('error', () => {})
    this.#child.on('close', () => {
      this.#ended = true
      this.#wake()
    })
  }

  /** @returns what the block printed. @throws what it said when it failed; no later block can run then */
  async run({ code, line, language }: Block): Promise<string> {
    if (this.#ended) throw new Error(`the ${language} session has ended in an earlier block`)
    const file = join(this.#folder, `line-${line}.${language}`)
    // Padded, so that the numbers in its messages are lines of the page.
    writeFileSync(file, '\n'.repeat(line) + code + '\n')
    this.#stdout = this.#stderr = ''
    this.#child.stdin.write(this.#line(file))
    while (!this.#ended && !this.#stdout.includes(END)) await new Promise<void>((resolve) => (this.#wake = resolve))
    if (!this.#stdout.includes(END)) throw new Error(`the block in line ${line} failed:\n${this.#stdout}${this.#stderr}`)
    return this.#stdout.replace(END, '')
  }

  end(): void {
    this.#child.kill('SIGKILL')
  }
}

export function hasCommand(command: string): boolean {
  return spawnSync(command, ['--version']).status === 0
}
