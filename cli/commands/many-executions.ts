import type { Call } from '../frame/call.ts'
import { CommandFailed, EXIT, wrongCall } from '../frame/exit.ts'
import { count } from '../output/words.ts'
import { findDeployment } from './find.ts'
import { readTime } from './read-time.ts'

const ENDED = ['completed', 'failed', 'cancelled'] as const
const IN_FLIGHT = ['queued', 'running', 'waiting'] as const

/** Executions that one request takes on. */
const BATCH = 100
/** As far as the server counts those that are left. */
const COUNTED = 10_000

/** By the clock that the executions have their times from: where this machine's is behind, the newest would be left out unseen. */
async function nowOfServer(call: Call): Promise<string> {
  const { headers } = await call.studio.request({ method: 'GET', path: '/healthz' })
  const second = Date.parse(headers.get('date') ?? '')
  // The header has whole seconds.
  return new Date(Number.isNaN(second) ? Date.now() : second + 1_000).toISOString()
}

/** What is chosen of a deployment's executions. */
function readChoice<Status extends string>(call: Call, states: readonly Status[]) {
  const given = call.options('status')
  const unknown = given.find((one) => !states.includes(one as Status))
  if (unknown !== undefined) throw wrongCall(`--status is one of ${states.join(', ')} here, not '${unknown}'.`)
  const [release, from, to] = [call.number('release', { least: 1 }), readTime(call, 'since'), readTime(call, 'until')]
  return {
    ...(given.length > 0 && { status: given as Status[] }),
    ...(release !== undefined && { release }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
  }
}

/** Runs again what has ended: all of it, in several requests if need be, or as many as --limit says. */
export async function rerun(call: Call): Promise<void> {
  const name = call.needed('name')
  const choice = readChoice(call, ENDED)
  const { release } = choice
  if (release === undefined) throw wrongCall('Say which release they ran on: --release <number>.', `agent-studio release list ${name}`)
  const { environment } = await findDeployment(call, name)
  const what = `the ${(choice.status ?? ['failed']).join(' and ')} executions that ${name} in ${environment} had on release ${release}`
  if (!call.flag('yes')) await call.terminal.confirm(`This runs ${what} again, on what serves now. Go on?`)
  const limit = call.number('limit', { least: 1 }) ?? Number.POSITIVE_INFINITY
  const executions: { execution_id: string; rerun_id: string }[] = []
  let remaining = 0
  // What is accepted from now on is not run again, not even where it fails as well.
  const to = choice.to ?? (await nowOfServer(call))
  let there = Number.POSITIVE_INFINITY
  for (;;) {
    const body = { ...choice, release, to, environment, limit: Math.min(BATCH, limit - executions.length) }
    const answer = await call.studio.call('rerunExecutions', { path: { deployment_name: name }, body })
    executions.push(...answer.executions)
    remaining = answer.remaining
    if (remaining < COUNTED) there = Math.min(there, executions.length + remaining)
    if (answer.stopped_by) {
      await call.show.done({ rerun: executions.length, remaining, executions }, `${count(executions.length, 'execution')} run again.`, name)
      throw new CommandFailed(EXIT.unreachable, answer.stopped_by.code, answer.stopped_by.message, {
        next: `${remaining} are left: call it again later.`,
      })
    }
    if (remaining === 0 || answer.rerun === 0 || executions.length >= Math.min(limit, there)) break
    call.terminal.phase(`${executions.length} run again, ${remaining} to go`)
  }
  await call.show.done(
    { rerun: executions.length, remaining, executions },
    `${count(executions.length, 'execution')} run again; ${remaining} left as they are.`,
    name,
  )
}

/** Cancels what is in flight: all of it, or as many as --limit says. */
export async function cancelMany(call: Call): Promise<void> {
  const name = call.needed('name')
  const choice = readChoice(call, IN_FLIGHT)
  const { environment } = await findDeployment(call, name)
  const what = `the ${choice.status?.join(' and ') ?? 'unfinished'} executions of ${name} in ${environment}`
  if (!call.flag('yes')) await call.terminal.confirm(`This cancels ${what}. Go on?`)
  const limit = call.number('limit', { least: 1 }) ?? Number.POSITIVE_INFINITY
  const execution_ids: string[] = []
  let remaining = 0
  // What begins from now on goes on.
  const to = choice.to ?? (await nowOfServer(call))
  for (;;) {
    const body = { ...choice, to, environment, limit: Math.min(BATCH, limit - execution_ids.length) }
    const answer = await call.studio.call('cancelExecutions', { path: { deployment_name: name }, body })
    execution_ids.push(...answer.execution_ids)
    remaining = answer.remaining
    if (remaining === 0 || answer.cancelled === 0 || execution_ids.length >= limit) break
    call.terminal.phase(`${execution_ids.length} cancelled, ${remaining} to go`)
  }
  await call.show.done(
    { cancelled: execution_ids.length, remaining, execution_ids },
    `${count(execution_ids.length, 'execution')} cancelled; ${remaining} left as they are.`,
    name,
  )
}
