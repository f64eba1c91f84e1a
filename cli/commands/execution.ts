import type { Execution, StatusEvent } from '@agent-studio/client'
import type { Call } from '../frame/call.ts'
import { CommandFailed, EXIT, type ExitCode } from '../frame/exit.ts'
import { toTable, toLines } from '../output/table.ts'
import { lasted } from '../output/words.ts'
import { EventPrinter } from './event-printer.ts'
import { isId } from './find.ts'
import { parseJson, readInput } from './inputs.ts'
import { waitFor } from './leave.ts'
import { readTime } from './read-time.ts'
import { checkEnd, failed } from './run.ts'
import { approvalTable, executionTable, stepTable } from './views.ts'

type Status = Execution['status']

export async function listExecutions(call: Call): Promise<void> {
  const limit = call.number('limit', { least: 1, most: 1_000_000 }) ?? 20
  const optional = {
    deployment_name: call.arg('deployment'),
    environment: call.environment,
    status: call.option('status') as Status | undefined,
    release: call.number('release', { least: 1 }),
    session_id: call.option('session'),
    from: readTime(call, 'since'),
    to: readTime(call, 'until'),
  }
  const query = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined))
  const all = call.studio.list('listExecutions', { query: { ...query, limit: Math.min(limit, 500) } })
  const rows = []
  let more = false
  for await (const row of all) {
    more = rows.length === limit
    if (more) break
    rows.push(row)
  }
  await call.show.list(rows, executionTable(call.terminal))
  if (more) call.terminal.say(`There are more than ${limit}; --limit shows more of them.`)
}

export async function getExecution(call: Call): Promise<void> {
  const execution_id = await executionId(call)
  const execution = await call.studio.call('getExecution', { path: { execution_id } })
  const steps = await Array.fromAsync(call.studio.list('listSteps', { path: { execution_id }, query: { limit: 500 } }))
  if (call.show.isForPrograms) return call.show.done(call.flag('steps') ? { ...execution, steps } : execution, '', execution_id)
  await call.show.item(execution, { name: () => execution_id, lines: linesOf })
  if (steps.length === 0 || call.show.format === 'name') return
  const { columns } = stepTable(call.terminal)
  call.terminal.line(`\n${toTable(steps, columns, call.show.format === 'wide' ? Number.POSITIVE_INFINITY : call.terminal.width)}`)
}

function linesOf(one: Execution): [string, unknown][] {
  return [
    ['execution', one.execution_id],
    ['status', one.status],
    [
      'deployment',
      one.deployment_name === '' ? 'the draft of a workflow' : `${one.deployment_name} in ${one.environment}, release ${one.release}`,
    ],
    ['why', whyOf(one)],
    ['begun', one.created_at],
    ['took', lasted(one.started_at, one.ended_at)],
    ['tokens', `${one.tokens.input} in, ${one.tokens.output} out`],
    ['cost', one.cost === null ? null : `$${one.cost}`],
    ['session', one.session_id ?? undefined],
    ['query', one.query],
    ['input', one.input],
    ['response', one.response ?? undefined],
    ['error', one.error ? `${one.error.message} (${one.error.code})` : undefined],
  ]
}

/** Why it ran on this release and no other. */
function whyOf({ routing }: Execution): string | undefined {
  if (!routing) return undefined
  const { chosen_by, route, bucket, change, release } = routing
  const chosen: Record<typeof chosen_by, string> = {
    only_route: 'all executions go there',
    session: `its session is in bucket ${bucket}, and ${route?.percent} % of them go there`,
    lot: `it is in bucket ${bucket}, and ${route?.percent} % of them go there`,
    release: 'the request named the release',
    tag: `the request named the tag ${route?.tag}`,
    live: 'the request named the workflow',
  }
  const made = `${release.made_by.replace('_', ' ')}${release.created_by === null ? '' : ` by ${release.created_by}`}`
  return `${chosen[chosen_by]}; made by ${made}${change ? `, routed by ${change.kind}${change.by === null ? '' : ` of ${change.by}`}` : ''}`
}

/** Follows one execution until it has ended, from its first event on or after one. */
export async function tail(call: Call): Promise<ExitCode> {
  const execution_id = await executionId(call)
  const printer = new EventPrinter(call, { aside: 'stdout' })
  const state: { last: StatusEvent | undefined; after: number } = { last: undefined, after: call.number('after') ?? 0 }
  const waited = () => ({
    what: `Execution ${execution_id}`,
    id: execution_id,
    back: `agent-studio tail ${execution_id}${state.after > 0 ? ` --after ${state.after}` : ''}`,
  })
  await waitFor(call.number('timeout', { most: 86_400 }), waited, async (signal) => {
    const onRetry = ({ reason, wait }: { reason: Error; wait: number }): void =>
      call.terminal.say(`${reason.message} Coming back in ${wait.toFixed(1)} s.`)
    for await (const event of call.studio.follow(execution_id, { after: state.after, signal, onRetry })) {
      state.after = event.id
      if (event.type === 'status') state.last = event as StatusEvent
      printer.print(event)
    }
  })
  await printer.end({ document: true })
  if (state.last?.status === 'error') throw failed(state.last)
  // Nothing was left to give: how it ended is what it says itself.
  return state.last ? EXIT.done : checkEnd(await call.studio.call('getExecution', { path: { execution_id } }))
}

/** An id, or a deployment's newest execution by its name. */
async function executionId(call: Call): Promise<string> {
  const given = call.needed('execution')
  if (isId(given)) return given.toLowerCase()
  const { environment } = call
  const [newest] = await call.studio.call('listExecutions', {
    query: { deployment_name: given, limit: 1, ...(environment !== undefined && { environment }) },
  })
  if (newest) {
    call.terminal.say(`The newest execution of ${given}: ${newest.execution_id}`)
    return newest.execution_id
  }
  throw new CommandFailed(
    EXIT.notFound,
    'execution_not_found',
    `'${given}' is no id of an execution, and no deployment of that name has executions.`,
    {
      next: `'agent-studio exec list' shows what there is.`,
    },
  )
}

export async function cancelExecution(call: Call): Promise<void> {
  const execution_id = call.needed('execution')
  const execution = await call.studio.call('cancelExecution', { path: { execution_id } })
  await call.show.done(execution, `Execution ${execution_id} is cancelled.`, execution_id)
}

export async function resumeExecution(call: Call): Promise<void> {
  const execution_id = call.needed('execution')
  const execution = await call.studio.call('resumeExecution', { path: { execution_id } })
  await call.show.done(execution, `Execution ${execution_id} goes on. To see it: agent-studio tail ${execution_id}`, execution_id)
}

export async function sendSignal(call: Call): Promise<void> {
  const given = call.option('payload')
  const text = given === '-' || given?.startsWith('@') ? await readInput(given === '-' ? given : given.slice(1), 'The payload') : given
  const answer = await call.studio.call('sendSignal', {
    path: { execution_id: call.needed('execution'), name: call.needed('signal') },
    body: text === undefined ? {} : { payload: parseJson(text, '--payload') },
  })
  await call.show.done(answer, `Sent ${answer.name}.`, answer.execution_id)
}

export async function listApprovals(call: Call): Promise<void> {
  await call.show.list(await Array.fromAsync(call.studio.list('listApprovals', { query: { limit: 500 } })), approvalTable)
}

/** @param verb what the key's owner decides */
export async function decide(call: Call, verb: 'approve' | 'reject'): Promise<void> {
  const [step_id, comment] = [call.option('step'), call.option('comment')]
  const answer = await call.studio.call(`${verb}Execution`, {
    path: { execution_id: call.needed('execution') },
    body: { ...(step_id !== undefined && { step_id }), ...(comment !== undefined && { comment }) },
  })
  await call.show.done(answer, toLines([[answer.decision, `${answer.step_id} of ${answer.execution_id}`]]), answer.execution_id)
}
