import { sql } from 'kysely'
import { firstIdAt } from '../clock.ts'
import { ownTurn } from '../own-turn.ts'
import type { Db } from '../store/store.ts'

/** What the executions of a release did that were accepted since a time and have ended. */
export interface Statistics {
  /** In milliseconds since 1970: the figures are those of all that were accepted from here on. */
  since: number
  /** Whether that is the time that was asked for; of more executions than are looked at, it is later. */
  complete: boolean
  completed: number
  failed: number
  cancelled: number
  /** Milliseconds that those took which completed or failed, as the timeout counts them; null where there are none. */
  duration_ms: { p50: number; p95: number } | null
  tokens: { input: number; output: number; total: number }
  /** US dollars; null where the price of something is not known. */
  cost: number | null
}

/** Executions that are looked at, at most: some 10 µs each, in turns of a few milliseconds. */
export const MOST_EXECUTIONS = 5_000
const AT_ONCE = 250

interface Ended {
  execution_id: string
  status: 'completed' | 'failed' | 'cancelled'
}

interface Looked extends Omit<Statistics, 'since' | 'complete' | 'duration_ms'> {
  durations: number[]
}

/** @param since milliseconds since 1970 */
export async function statisticsOf(db: Db, deployment_id: string, release: number, since: number): Promise<Statistics> {
  const ended = await newestEnded(db, { deployment_id, release, since })
  const complete = ended.length <= MOST_EXECUTIONS
  const looked = ended.slice(0, MOST_EXECUTIONS)
  const all: Looked = { completed: 0, failed: 0, cancelled: 0, durations: [], tokens: { input: 0, output: 0, total: 0 }, cost: 0 }
  for (let from = 0; from < looked.length; from += AT_ONCE) {
    if (looked.length > AT_ONCE) await ownTurn()
    const ids = looked.slice(from, from + AT_ONCE).map(({ execution_id }) => execution_id)
    await addExecutions(db, ids, all)
    await addCosts(db, ids, all)
  }
  const { durations, ...counted } = all
  return { since: complete ? since : timeOf(looked.at(-1)!.execution_id), complete, ...counted, duration_ms: percentiles(durations) }
}

/** One more than are looked at, if there are. From the index alone, which has them in this order for each status. */
async function newestEnded(
  db: Db,
  { deployment_id, release, since }: { deployment_id: string; release: number; since: number },
): Promise<Ended[]> {
  const first = firstIdAt(since)
  const ofStatus = (status: Ended['status']) => sql`
    select * from (select execution_id, status from executions
      where ended_at is not null and status = ${status} and deployment_id = ${deployment_id} and release_number = ${release}
        and execution_id >= ${first} order by execution_id desc limit ${MOST_EXECUTIONS + 1})`
  const { rows } = await sql<Ended>`
    ${ofStatus('completed')} union all ${ofStatus('failed')} union all ${ofStatus('cancelled')}
    order by execution_id desc limit ${MOST_EXECUTIONS + 1}`.execute(db)
  return rows
}

async function addExecutions(db: Db, ids: readonly string[], to: Looked): Promise<void> {
  const rows = await db
    .selectFrom('executions')
    .select(['status', 'active_ms', 'slice_started_at', 'ended_at', 'input_tokens', 'output_tokens'])
    .where('execution_id', 'in', ids)
    .execute()
  for (const { status, active_ms, slice_started_at, ended_at, input_tokens, output_tokens } of rows) {
    // One that was resumed since it was found has not ended any more.
    if (ended_at === null) continue
    to[status as Ended['status']]++
    if (status !== 'cancelled') to.durations.push(active_ms + ended_at - (slice_started_at ?? ended_at))
    to.tokens.input += input_tokens
    to.tokens.output += output_tokens
    to.tokens.total += input_tokens + output_tokens
  }
}

async function addCosts(db: Db, ids: readonly string[], to: Looked): Promise<void> {
  const { known, unknown } = await db
    .selectFrom('steps')
    .select(({ fn }) => [
      fn.sum<number | null>('cost').as('known'),
      fn
        .countAll<number>()
        .filterWhere(sql<boolean>`cost is null and model not like 'demo/%'`)
        .as('unknown'),
    ])
    .where('execution_id', 'in', ids)
    .where('input_tokens', 'is not', null)
    .executeTakeFirstOrThrow()
  to.cost = to.cost === null || unknown > 0 ? null : to.cost + (known ?? 0)
}

function percentiles(durations: number[]): Statistics['duration_ms'] {
  if (durations.length === 0) return null
  const sorted = Float64Array.from(durations).sort()
  // The nearest rank: the least of them that so many are not beyond.
  const at = (part: number): number => sorted[Math.ceil(part * sorted.length) - 1]!
  return { p50: at(0.5), p95: at(0.95) }
}

/** The time that an id begins with. */
function timeOf(id: string): number {
  return Number.parseInt(id.replace('-', '').slice(0, 12), 16)
}

/** Executions in flight of each release. */
export async function inFlightOfReleases(db: Db, deployment_id: string): Promise<Map<number, number>> {
  const rows = await db
    .selectFrom('executions')
    .select(({ fn }) => ['release_number', fn.countAll<number>().as('count')])
    .where('ended_at', 'is', null)
    .where('deployment_id', '=', deployment_id)
    .groupBy('release_number')
    .execute()
  return new Map(rows.map(({ release_number, count }) => [release_number, count]))
}
