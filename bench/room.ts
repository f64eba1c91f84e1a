import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Memory, Question, Sample } from './sample.ts'

const probe = new URL('./probe.js', import.meta.url).href

export interface ServerProcess {
  port: number
  sample(): Promise<Sample>
  /** Collects garbage first, for which the process needs the flag `--expose-gc`. */
  memory(): Promise<Memory>
  stop(): Promise<void>
}

export interface SpawnOptions {
  args?: string[]
  /** Of Node. */
  flags?: string[]
  env?: Record<string, string>
  folder?: string
  /** SIGTERM for what has processes of its own to end; all others are killed. */
  endWith?: 'SIGKILL' | 'SIGTERM'
}

/** Holds the processes and folders of a run. When it is closed, none of them is left. */
export class Room {
  readonly #folder = mkdtempSync(join(tmpdir(), 'agent-studio-bench-'))
  readonly #children = new Map<ChildProcess, NodeJS.Signals>()

  constructor() {
    // PostgreSQL runs as another user, who has a folder in it.
    chmodSync(this.#folder, 0o755)
  }

  makeFolder(): string {
    return mkdtempSync(join(this.#folder, 'run-'))
  }

  /** A process of its own, with nothing of this machine's environment but the path, and with an IPC channel. */
  spawn(module: URL, { args = [], flags = [], env, folder, endWith = 'SIGKILL' }: SpawnOptions = {}): ChildProcess {
    const child = spawn(process.execPath, [...flags, '--import', probe, fileURLToPath(module), ...args], {
      cwd: folder ?? this.#folder,
      env: { PATH: process.env['PATH'] ?? '', ...env },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    })
    this.#children.set(child, endWith)
    child.once('exit', () => this.#children.delete(child))
    return child
  }

  /** Resolves when the process has printed the address where it listens. */
  async startServer(...args: Parameters<Room['spawn']>): Promise<ServerProcess> {
    const child = this.spawn(...args)
    const port = await printedPort(child)
    return {
      port,
      sample: () => ask<Sample>(child, 'sample'),
      memory: () => ask<Memory>(child, 'memory'),
      stop: () => this.#end(child),
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#children.keys()].map((child) => this.#end(child)))
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #end(child: ChildProcess): Promise<void> {
    const signal = this.#children.get(child)
    if (signal === undefined) return
    const exit = once(child, 'exit')
    child.kill(signal)
    await exit
  }
}

async function ask<Answer>(child: ChildProcess, question: Question): Promise<Answer> {
  child.send(question)
  const [answer] = (await once(child, 'message')) as [Answer]
  return answer
}

function printedPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let output = ''
    child.stdout!.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      const port = /http:\/\/[^\s/]+:(\d+)/.exec(output)?.[1]
      if (port) resolve(Number(port))
    })
    child.once('exit', (code) => reject(new Error(`a server ended with ${code} before it listened:\n${output}`)))
  })
}
