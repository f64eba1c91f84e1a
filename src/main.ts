import { Worker } from 'node:worker_threads'
import { loadEnvFile, readConfig, settings } from './config.ts'
import type { RunningServer } from './server.ts'
import { StartRefused } from './start-refused.ts'
import { version } from './version.ts'

interface Command {
  /** What `--help` says of it, one line each: how it is called, and what that does. */
  help: readonly (readonly [call: string, text: string])[]
  /** Loads and runs it; nothing of a command is loaded before. @returns the exit code */
  run(args: readonly string[]): Promise<number>
  /** The verbs that are meant, where others of the same noun ask a server. */
  verbs?: readonly string[]
}

/** The commands beside `serve`. A further one is a further entry. */
const commands: Record<string, Command> = {
  backup: {
    help: [
      ['backup <file>', 'copy the database, also while a server runs on it;'],
      ['', '--compact leaves out what is free in it, --json prints one line of JSON'],
    ],
    run: async (args) => (await import('./housekeeping/backup-command.ts')).runBackup(args),
  },
  key: {
    help: [
      ['key create', 'make an API key, also while a server runs: --name, --scopes, --environments,'],
      ['', '--deployments, --expires; prints the key, this once'],
      ['key list', 'list the keys, without their secrets'],
      ['key revoke <id>', 'from then on nobody can use it'],
    ],
    run: async (args) => (await import('./access/key-command.ts')).runKey(args),
  },
  audit: {
    help: [
      ['audit verify', 'check that the trail is whole; --expect <seq>:<hash> that nothing of it was cut off,'],
      ['', '--json prints one line of JSON'],
      ['audit export', 'print the trail as JSON lines; --after <seq> only what came later'],
    ],
    run: async (args) => (await import('./audit/audit-command.ts')).runAudit(args),
  },
  secret: {
    help: [
      ['secret keygen <file>', 'make a file with a key for secrets; --add puts a new first key into one that is there'],
      ['secret keys', 'list the keys, and how many secrets are encrypted with each; --json'],
      ['secret rotate', 'encrypt all secrets with the first key, also while a server runs; --json'],
    ],
    verbs: ['keygen', 'keys', 'rotate'],
    run: async (args) => (await import('./secrets/secret-command.ts')).runSecret(args),
  },
}

/**
 * The command line. What works on the data folder itself is here, with the exit codes 0 done, 1 refused, 2 a wrong call; whatever
 * else there is talks HTTP (`cli`), and is loaded only then.
 */
export async function main(args: readonly string[]): Promise<void> {
  const [name = 'serve', ...rest] = args
  const asksForHelp = args.includes('--help') || args.includes('-h')
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  const isLocal = command !== undefined && (command.verbs?.includes(rest[0] ?? '') ?? true)
  if (name === 'help' || (asksForHelp && (isLocal || name === 'serve' || name.startsWith('-')))) {
    console.log(await help())
    return
  }
  if (name === '--version') {
    console.log(version)
    return
  }
  if (isLocal) {
    process.exitCode = await command.run(rest)
    return
  }
  if (name !== 'serve' || rest.length > 0) {
    const { runCli } = await import('../cli/main.ts')
    process.exitCode = await runCli(args)
    return
  }
  await serve()
}

async function serve(): Promise<void> {
  try {
    loadEnvFile()
    const config = readConfig(process.env)
    // Both threads load what they need at the same time. Nothing of the server is imported above: other commands need none of it.
    const writer = new Worker(new URL('../bin/writer.js', import.meta.url), { resourceLimits: WRITER_LIMITS })
    const { banner, startServer } = await import('./server.ts')
    const server = await startServer(config, writer)
    endOnFault(server)
    stopOnSignals(server, config.shutdownSeconds)
    endWithNpm()
    // Last, because whoever waits for it may send a signal at once.
    console.log(banner(server, config))
  } catch (error) {
    if (!(error instanceof StartRefused)) throw error
    console.error(error.message)
    process.exit(1)
  }
}

/** What it writes is gone when it is committed: with room for more, its garbage would only lie there for longer. */
const WRITER_LIMITS = { maxYoungGenerationSizeMb: 4 }

/**
 * Node's own last words would show the error with all that hangs on it, a request with its headers among it. The log hides the
 * secrets that it knows; the next start takes up what was under way.
 */
function endOnFault(server: RunningServer): void {
  process.on('uncaughtException', (error) => {
    server.logCrash(error)
    process.exit(1)
  })
}

/** How long after a signal another one is taken for the same. Milliseconds. */
const ONE_SIGNAL_MS = 500

function stopOnSignals(server: RunningServer, shutdownSeconds: number): void {
  let stoppingSince: number | undefined
  const stop = (): void => {
    if (stoppingSince !== undefined) {
      // Under `npm start` each Ctrl-C comes twice: the terminal sends it to everyone in it, and npm passes its own on. So
      // does a service manager that ends a whole group.
      if (performance.now() - stoppingSince < ONE_SIGNAL_MS) return
      // A second signal means at once: whatever is in flight is found at the next start.
      process.exit(1)
    }
    stoppingSince = performance.now()
    if (server.running > 0 && shutdownSeconds > 0) console.log(patience(server.running, shutdownSeconds))
    server.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error)
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

/** What a stop waits for, so that whoever stops it does not take it for stuck. */
function patience(running: number, seconds: number): string {
  const [what, them] = running === 1 ? ['1 execution that runs', 'it'] : [`${running} executions that run`, 'them']
  return `Stopping: up to ${seconds} s for ${what}; what has not ended then goes on at the next start. Press Ctrl-C again to leave ${them} at once.`
}

/**
 * Under `npm start` the server ends when npm is killed: left behind, it would hold the port and the data folder, and
 * nobody would know where it is. At once, since npm got no chance to ask for anything gentler.
 */
function endWithNpm(): void {
  if (process.env['npm_lifecycle_event'] === undefined) return
  const npm = process.ppid
  setInterval(() => process.ppid !== npm && process.exit(1), 100).unref()
}

async function help(): Promise<string> {
  const { commandList } = await import('../cli/command-list.ts')
  const width = Math.max(...settings.map(({ name }) => name.length))
  const lines = settings.map(({ name, default: value, text }) => `  ${name.padEnd(width)}  ${text} (default: ${value})`)
  return `Agent Studio ${version}

The server, and what works on its data folder:

${commandLines().join('\n')}

Everything else asks a server, 'http://localhost:8000' or another one; agent-studio <command> --help shows examples:

${commandList().join('\n')}

Settings are environment variables, or lines of a .env file in the current folder, where the environment wins:

${lines.join('\n')}`
}

function commandLines(): string[] {
  const calls: Command['help'] = [
    ['serve', 'start the server (also: npm start)'],
    ...Object.values(commands).flatMap(({ help: lines }) => lines),
    ['--version', 'print the version'],
    ['--help', 'print this'],
  ]
  const width = Math.max(...calls.map(([call]) => call.length))
  return calls.map(
    ([call, text]) => `  ${call === '' ? ' '.repeat('agent-studio '.length) : 'agent-studio '}${call.padEnd(width)}   ${text}`,
  )
}
