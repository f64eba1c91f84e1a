import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { dirname, join, parse } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { encodeFrame, FrameReader } from './inside/frames.js'
import { LOG_ENTRIES, LOG_LIMIT, OUTPUT_LIMIT, TEXT_LIMIT } from './inside/limits.js'
import { MOST_MEMORY_BYTES } from './sandbox.ts'

/** What a program is run with, in the words of `inside/machine.js`. */
export interface Task {
  source: string
  now: number
  /** A whole number of at most 48 bits. */
  seed: number
  memoryBytes: number
}

/** What the process says, which nobody has checked. */
export interface Answer {
  head: unknown
  body: Buffer
}

/** Why a process is gone. */
export class ProcessEnded extends Error {}

/** How long a process may take until it is ready; on a busy machine that may be ten times as long as usual. Milliseconds. */
const START_MS = 15_000

/** A character takes at most six bytes in JSON. */
const HEAD_LIMIT = 6 * (LOG_LIMIT + 3 * TEXT_LIMIT) + 8 * LOG_ENTRIES + 1_000

/** What is kept of what a process says about why it cannot start. */
const COMPLAINT_LIMIT = 2_000

/** Bytes of a page of memory of WebAssembly. */
const PAGE = 65_536

/** Bytes of a machine besides what its program allocates: the engine's data and stack, and what is lost between allocations. */
const MACHINE_OVERHEAD = 16 * 2 ** 20

/** Above this a busy server still comes first; they yield to it, and still get a third of what it gets. */
const PRIORITY = constants.priority.PRIORITY_BELOW_NORMAL / 2

/** Where symbolic links lead to, as permissions are given to real folders. */
const inside = realpathSync(join(import.meta.dirname, 'inside'))
const engine = realpathSync(dirname(fileURLToPath(import.meta.resolve('quickjs-wasi/package.json'))))

/**
 * The flags that make Node's own permissions the second wall, after WebAssembly's: it may read its own code until it has loaded that, start the one
 * thread that it needs, and nothing else. V8 gives no memory to a machine beyond the limit, whatever that asks for.
 */
export function wallFlags(readable: readonly string[]): string[] {
  return [
    '--no-warnings',
    '--permission',
    '--allow-worker',
    // It opens files without asking for that permission.
    '--no-experimental-sqlite',
    ...readable.map((folder) => `--allow-fs-read=${join(folder, '*')}`),
    '--disallow-code-generation-from-strings',
    '--max-old-space-size=64',
    '--max-semi-space-size=1',
    `--wasm-max-mem-pages=${(MOST_MEMORY_BYTES + MACHINE_OVERHEAD) / PAGE}`,
  ]
}

/** One process of the sandbox. It has no environment, a harmless folder, and of open files only the pipes to us. */
export class SandboxProcess {
  /** Resolves when it can take programs. Rejects with `ProcessEnded` if it never can. */
  readonly ready: Promise<void>
  /** Resolves when it is gone, for whatever reason. */
  readonly ended: Promise<void>
  /** Programs that it has run. */
  runs = 0
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  #complaint = ''
  #expected: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined

  /** @param memoryBytes that the whole process may have */
  constructor(memoryBytes: number) {
    const settings = {
      library: pathToFileURL(join(engine, 'dist/index.js')),
      wasm: pathToFileURL(join(engine, 'quickjs.wasm')),
      memoryBytes,
    }
    this.#child = spawn(process.execPath, [...wallFlags([inside, engine]), join(inside, 'process.js'), JSON.stringify(settings)], {
      cwd: parse(process.execPath).root,
      env: {},
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
    })
    this.ended = new Promise((resolve) => {
      this.#child.once('exit', () => resolve())
      this.#child.once('error', () => resolve())
    })
    this.#listen()
    this.ready = this.#start()
    // Whoever does not wait for it must not bring the server down.
    this.ready.catch(() => {})
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** One program at a time. Rejects with `ProcessEnded` if there comes no answer. */
  run(task: Task, scope: Uint8Array): Promise<Answer> {
    this.runs++
    const answer = this.#expect()
    for (const bytes of encodeFrame(task, scope)) this.#child.stdin.write(bytes)
    return answer
  }

  /** At once, whatever it does. From then on the server waits for its end. */
  kill(): void {
    this.#child.ref()
    this.#child.kill('SIGKILL')
  }

  async #start(): Promise<void> {
    this.#yieldToServer()
    const patience = setTimeout(() => this.kill(), START_MS)
    try {
      await this.#expect()
    } finally {
      clearTimeout(patience)
      // From here on it has nothing to say that way.
      this.#child.stderr.destroy()
    }
  }

  /** An endless loop takes its time from other code, not from the server. Where nobody may set priorities, it is as it was. */
  #yieldToServer(): void {
    try {
      if (this.#child.pid !== undefined) setPriority(this.#child.pid, PRIORITY)
    } catch {}
  }

  #expect(): Promise<Answer> {
    return new Promise((resolve, reject) => (this.#expected = { resolve, reject }))
  }

  #listen(): void {
    const child = this.#child
    const reader = new FrameReader({ head: HEAD_LIMIT, body: OUTPUT_LIMIT }, (head, body) => this.#take({ head, body }))
    child.stdout.on('data', (bytes: Buffer) => {
      try {
        reader.take(bytes)
      } catch (error) {
        this.#fail((error as Error).message)
      }
    })
    child.stderr.on('data', (bytes: Buffer) => {
      this.#complaint = (this.#complaint + bytes.toString()).slice(0, COMPLAINT_LIMIT)
    })
    // What goes wrong with a pipe shows in the end of the process, or in an answer that does not come.
    for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe.on('error', () => {})
    child.once('error', (error) => this.#fail(error.message))
    child.once('exit', (code, signal) => this.#fail(`It ended with ${signal ?? `code ${code}`}. ${this.#complaint}`.trim()))
    // The server does not wait for it when it ends; what runs in it has a timer that does.
    child.unref()
    for (const pipe of [child.stdin, child.stdout, child.stderr]) (pipe as Partial<NodeJS.RefCounted>).unref?.()
  }

  #take(answer: Answer): void {
    if (!this.#expected) return this.#fail('It spoke without being asked.')
    this.#expected.resolve(answer)
    this.#expected = undefined
  }

  #fail(reason: string): void {
    this.kill()
    this.#expected?.reject(new ProcessEnded(reason))
    this.#expected = undefined
  }
}
