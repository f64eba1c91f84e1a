import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Sample } from './probe.ts'

const probe = new URL('./probe.ts', import.meta.url).href

export interface ServerProcess {
  port: number
  sample(): Promise<Sample>
  stop(): Promise<void>
}

/** Holds the processes and folders of a run. When it is closed, none of them is left. */
export class Room {
  readonly #folder = mkdtempSync(join(tmpdir(), 'agent-studio-bench-'))
  readonly #children = new Set<ChildProcess>()

  makeFolder(): string {
    return mkdtempSync(join(this.#folder, 'run-'))
  }

  /** A process of its own, with nothing of this machine's environment but the path, and with an IPC channel. */
  spawn(module: URL, options: { args?: string[]; env?: Record<string, string>; folder?: string } = {}): ChildProcess {
    const child = spawn(process.execPath, ['--import', probe, fileURLToPath(module), ...(options.args ?? [])], {
      cwd: options.folder ?? this.#folder,
      env: { PATH: process.env['PATH'] ?? '', ...options.env },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    })
    this.#children.add(child)
    child.once('exit', () => this.#children.delete(child))
    return child
  }

  /** Resolves when the process has printed the address where it listens. */
  async startServer(...args: Parameters<Room['spawn']>): Promise<ServerProcess> {
    const child = this.spawn(...args)
    const port = await printedPort(child)
    return {
      port,
      sample: async () => {
        child.send('sample')
        const [sample] = (await once(child, 'message')) as [Sample]
        return sample
      },
      stop: () => end(child),
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#children].map(end))
    rmSync(this.#folder, { recursive: true, force: true })
  }
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

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}
