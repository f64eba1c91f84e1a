import { AnswerText, StudioProblem, type Execution, type StatusEvent, type StudioEvent } from '@agent-studio/client'
import type { Call } from '../frame/call.ts'
import { CommandFailed, EXIT, wrongCall, type ExitCode } from '../frame/exit.ts'
import { harmless } from '../output/terminal.ts'
import { EventPrinter } from './event-printer.ts'
import { findWorkflow } from './find.ts'
import { readInputs } from './inputs.ts'
import { waitFor } from './leave.ts'

interface RunBody {
  query: string
  [field: string]: unknown
}

/** Runs a deployment: waits for its answer, streams it, or leaves it to itself. */
export async function run(call: Call): Promise<ExitCode> {
  const body = await readBody(call)
  const name = call.needed('name')
  // What serves, or the draft: never one for the other.
  const draft = call.flag('draft') ? { path: { workflow_id: (await findWorkflow(call, name)).workflow_id }, body } : undefined
  const live = { body: { ...body, deployment_name: name } }
  if (call.flag('detach')) {
    const accepted = draft ? await call.studio.call('executeDraftAsync', draft) : await call.studio.call('executeAsync', live)
    await call.show.done(accepted, accepted.execution_id, accepted.execution_id)
    call.terminal.say(`It runs. To see it: agent-studio tail ${accepted.execution_id}`)
    return EXIT.done
  }
  const streams = call.flag('stream') || call.show.format === 'jsonl'
  const printer = new EventPrinter(call, { aside: 'stderr' })
  const seen: Seen = { id: undefined, last: undefined, text: new AnswerText(), events: [] }
  if (!streams) call.terminal.phase(`Running ${draft ? `the draft of ${name}` : name}`)
  const waited = () => ({
    what: seen.id === undefined ? 'The execution, if it was accepted,' : `Execution ${seen.id}`,
    id: seen.id,
    back: seen.id === undefined ? 'agent-studio exec list' : `agent-studio tail ${seen.id}`,
  })
  await waitFor(call.number('timeout', { most: 86_400 }), waited, async (signal) => {
    const onRetry = ({ reason, wait }: { reason: Error; wait: number }): void =>
      call.terminal.say(`${reason.message} Coming back in ${wait.toFixed(1)} s.`)
    const options = { signal, onRetry }
    const events = draft ? call.studio.stream('executeDraftStream', draft, options) : call.studio.stream('executeStream', live, options)
    for await (const event of events) {
      seen.id ??= tell(call, event)
      seen.text.add(event)
      if (event.type === 'status') seen.last = event as StatusEvent
      if (streams) printer.print(event)
      else if (event.type === 'approval') call.terminal.say(printer.describe(event))
    }
  })
  return finish(call, seen, streams, printer)
}

interface Seen {
  id: string | undefined
  last: StatusEvent | undefined
  text: AnswerText
  events: StudioEvent[]
}

function tell(call: Call, { execution_id }: StudioEvent): string {
  call.terminal.say(`Execution ${execution_id}`)
  return execution_id
}

async function finish(call: Call, { id, last, text }: Seen, streams: boolean, printer: EventPrinter): Promise<ExitCode> {
  const { format } = call.show
  if (streams) await printer.end()
  // Programs that do not stream get the execution as a whole, as far as the key may look at it.
  if (format !== 'jsonl' && call.show.isForPrograms) {
    const fallback = { execution_id: id, status: last?.status === 'completed' ? 'completed' : 'failed', response: text.text }
    const execution = await call.studio.call('getExecution', { path: { execution_id: id! } }).catch((error: unknown) => {
      if (error instanceof StudioProblem && error.status === 403) return fallback
      throw error
    })
    await call.show.done(execution, '', '')
  } else if (!streams && last?.status === 'completed') {
    if (format === 'name') call.terminal.line(id!)
    else call.terminal.line(call.terminal.isTerminal ? harmless(last.response) : last.response)
  }
  if (last?.status === 'error') throw failed(last)
  return EXIT.done
}

export function failed({ error, code, execution_id }: StatusEvent & { status: 'error' }): CommandFailed {
  return new CommandFailed(EXIT.no, code, error, { executionId: execution_id, next: `agent-studio exec get ${execution_id}` })
}

/** Of an execution that was looked at after its end. */
export function checkEnd({ status, error, execution_id }: Execution): ExitCode {
  if (status === 'completed') return EXIT.done
  throw failed({
    type: 'status',
    status: 'error',
    error: error?.message ?? `It is ${status}.`,
    code: error?.code ?? status,
    execution_id,
  } as StatusEvent & { status: 'error' })
}

async function readBody(call: Call): Promise<RunBody> {
  const [given, asked] = [call.arg('query'), call.option('query')]
  if (given !== undefined && asked !== undefined) throw wrongCall('The query is given twice: as an argument and with --query.')
  const input = await readInputs(call.options('input'))
  const query = given ?? asked
  if (query === undefined && input === undefined)
    throw wrongCall('Say what to ask.', `agent-studio run ${call.needed('name')} "…", or --input key=value`)
  if (call.flag('draft') && (call.option('release') ?? call.option('tag')) !== undefined)
    throw wrongCall('A draft has no releases: leave out --release and --tag.')
  if (call.flag('detach') && call.flag('stream')) throw wrongCall('--detach leaves at once and --stream stays: take one of them.')
  const optional = {
    input,
    environment: call.environment,
    session_id: call.option('session'),
    user_id: call.option('user'),
    release: call.number('release', { least: 1 }),
    tag: call.option('tag'),
  }
  const set = Object.entries(optional).filter(([, value]) => value !== undefined)
  return { query: query ?? '', ...Object.fromEntries(set) }
}
