import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

const program = join(import.meta.dirname, '../../bin/agent-studio.js')

export interface CliOptions {
  /** Where it runs, and where its config is; so nothing of this machine's counts. */
  folder: string
  url?: string | undefined
  env?: Record<string, string>
  stdin?: string
}

export interface CliResult {
  code: number | null
  stdout: string
  stderr: string
  /** The standard output as JSON. */
  readonly json: unknown
  /** The last line of the standard error output as JSON. */
  readonly error: { code: string; message: string; next: string | null; requestId: string | null; executionId?: string }
}

/** A command as a process of its own, which has no terminal. */
export function spawnCli(
  args: readonly string[],
  { folder, url, env = {} }: CliOptions,
): ChildProcessByStdio<Writable, Readable, Readable> {
  return spawn(process.execPath, [program, ...args], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      AGENT_STUDIO_CONFIG_DIR: join(folder, 'config'),
      ...(url !== undefined && { AGENT_STUDIO_URL: url }),
      ...env,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
}

export async function runCli(args: readonly string[], options: CliOptions): Promise<CliResult> {
  const child = spawnCli(args, options)
  return finished(child, options.stdin)
}

/** Waits for its end. @param stdin what it is sent; nothing is sent at all where it is empty */
export async function finished(child: ChildProcessByStdio<Writable, Readable, Readable>, stdin = ''): Promise<CliResult> {
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  // One that reads nothing has closed its end.
  child.stdin.on('error', () => {})
  child.stdin.end(stdin)
  const [code] = (await once(child, 'close')) as [number | null]
  return {
    code,
    stdout,
    stderr,
    get json() {
      return JSON.parse(stdout) as unknown
    },
    get error() {
      return (JSON.parse(stderr.trim().split('\n').at(-1)!) as { error: CliResult['error'] }).error
    },
  }
}
