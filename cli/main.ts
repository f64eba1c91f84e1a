import { Call } from './frame/call.ts'
import { EXIT, type CommandFailed } from './frame/exit.ts'
import { toErrorDocument, toFailure } from './frame/failure.ts'
import { noCommand, readCall } from './frame/read-call.ts'
import { commands } from './catalogue/commands.ts'
import { Terminal } from './output/terminal.ts'

/** The command line beside the server's own commands: everything that talks HTTP. @returns the exit code */
export async function runCli(args: readonly string[]): Promise<number> {
  const terminal = new Terminal()
  endQuietlyWhenNobodyReads()
  let call: Call | undefined
  try {
    const read = readCall(commands, args)
    if (!('command' in read)) return await withoutCommand(read.words, read.values['help'] === true, terminal)
    if (read.values['help'] === true) {
      const { commandHelp } = await import('./frame/help.ts')
      terminal.line(commandHelp(read.command))
      return EXIT.done
    }
    call = new Call(read.command, { ...read, terminal, commands })
    return (await read.command.run(call)) ?? EXIT.done
  } catch (error) {
    const failure = toFailure(error)
    report(failure, call ? isJson(call) : wantsJson(args), terminal)
    return failure.exit
  }
}

async function withoutCommand(words: readonly string[], help: boolean, terminal: Terminal): Promise<number> {
  const isGroup = commands.some(({ path }) => path.startsWith(`${words.join(' ')} `))
  if (!isGroup || words.length === 0) throw noCommand(commands, words.length === 0 ? [''] : words)
  const { groupHelp } = await import('./frame/help.ts')
  if (help) terminal.line(groupHelp(commands, words))
  else terminal.warn(groupHelp(commands, words))
  return help ? EXIT.done : EXIT.usage
}

/** However it was set. */
function isJson(call: Call): boolean {
  try {
    return /^jsonl?$/.test(call.settings.output.value)
  } catch {
    // The settings are the fault.
    return call.flag('json') || call.flag('jsonl')
  }
}

/** Before the options could be read. */
function wantsJson(args: readonly string[]): boolean {
  return (
    args.includes('--json') ||
    args.includes('--jsonl') ||
    args.some((arg, at) => /^(--output=|-o=?)jsonl?$/.test(arg) || (/^(-o|--output)$/.test(arg) && /^jsonl?$/.test(args[at + 1] ?? ''))) ||
    /^jsonl?$/.test(process.env['AGENT_STUDIO_OUTPUT'] ?? '')
  )
}

function report(failure: CommandFailed, json: boolean, terminal: Terminal): void {
  if (json) {
    terminal.warn(JSON.stringify(toErrorDocument(failure)))
    return
  }
  const { next, requestId, errors = [] } = failure.details
  terminal.warn(`${terminal.styleError('red', failure.code === 'not_confirmed' ? 'Not done:' : 'Error:')} ${failure.message}`)
  // A single problem is what the message says already.
  if (errors.length > 1 || errors[0]?.message !== failure.message)
    for (const { pointer, message } of errors) terminal.warn(`  ${pointer}: ${message}`)
  if (next !== undefined) terminal.warn(`  → ${next}`)
  if (requestId !== undefined) terminal.warn(`  request ${requestId}`)
}

/** `agent-studio list | head -1` is no fault. */
function endQuietlyWhenNobodyReads(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.done)
    process.stderr.write(`Error: what was found cannot be written: ${error.message}\n`)
    process.exit(EXIT.bug)
  })
  // What is said on the way is not what the command is there for: it does the rest of its work.
  process.stderr.on('error', () => {})
}
