import { spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'

const root = join(import.meta.dirname, '../..')

/** A folder of its own under the system's temporary one. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'agent-studio-test-'))
}

export interface TestServer {
  url: string
  process: ChildProcess
  /** Everything it printed so far. */
  output(): string
  /** Resolves with the exit code when it has ended, in whatever way; null after a signal. */
  exited: Promise<number | null>
  /** SIGTERM, as an operator would. @returns the exit code */
  stop(): Promise<number | null>
  /** SIGKILL: no chance to tidy up. */
  kill(): Promise<void>
}

/**
 * Starts the real server as a process of its own, on a free port, with nothing of this machine's environment but the
 * path, and resolves when it listens.
 * @param folder where it runs; its data folder is `.agent-studio` in there, so a second start finds what the first left
 */
export async function startServer(folder: string, env: Record<string, string> = {}): Promise<TestServer> {
  const child = spawn(process.execPath, [join(root, 'bin/agent-studio.js'), 'serve'], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const listening = new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      output += chunk.toString()
      const url = /^Agent Studio \S+ +(http:\S+)$/m.exec(output)?.[1]
      if (url) resolve(url)
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}:\n${output}`)))
  })
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  const url = await listening
  return {
    url: url.replace('localhost', '127.0.0.1'),
    process: child,
    output: () => output,
    exited,
    stop: async () => {
      child.kill('SIGTERM')
      return exited
    },
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** The server's command, which ends by itself, or is killed after a while. */
export function spawnCommand(
  folder: string,
  args: string[],
  env: Record<string, string> = {},
): ChildProcessByStdio<null, Readable, Readable> {
  return spawn(process.execPath, [join(root, 'bin/agent-studio.js'), ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A start that should have been refused, and was not, ends as well.
    timeout: 10_000,
  })
}

/** Runs it until it ends: for starts that are refused, above all. */
export async function runCommand(
  folder: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawnCommand(folder, args, env)
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const [code] = (await once(child, 'exit')) as [number | null]
  return { code, stdout, stderr }
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
}
