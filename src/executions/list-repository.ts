import { sql, type RawBuilder } from 'kysely'
import { firstIdAt } from '../clock.ts'
import type { Db } from '../store/store.ts'
import { asksForEnvironment, inEnvironment, withinReach } from './listed-deployments-repository.ts'
import { IN_FLIGHT, summaryColumns, type ExecutionFilter, type ExecutionSummary, type Range } from './execution-filter.ts'
import { mergeQuery, type MergedExecution } from './runs-repository.ts'

/**
 * Newest first: the ids are sorted by time. Takes milliseconds however long the history is and however rare what is looked
 * for: what is common is among the newest, and what is rare is found by index.
 */
export async function listExecutions(db: Db, filter: ExecutionFilter): Promise<ExecutionSummary[]> {
  const range = toRange(filter)
  const { deployment_name, release, session_id, test } = filter
  if (session_id !== undefined) return (await sessionQuery(filter, range).execute(db)).rows
  const [deployed, drafts] = await Promise.all([
    test === true ? [] : listDeployed(db, filter, range),
    test === false || deployment_name !== undefined || release !== undefined
      ? []
      : draftsQuery(filter, range)
          .execute(db)
          .then(({ rows }) => rows),
  ])
  if (drafts.length === 0) return deployed
  return [...deployed, ...drafts].sort((a, b) => (a.execution_id < b.execution_id ? 1 : -1)).slice(0, filter.limit)
}

/** Those of deployments. */
async function listDeployed(db: Db, filter: ExecutionFilter, range: Range): Promise<ExecutionSummary[]> {
  const { deployment_name, workflow_id, status } = filter
  if (deployment_name !== undefined || workflow_id !== undefined) return merge(db, filter, range, true)
  // Those in flight have an index of their own, which is as short as they are few.
  if (status === undefined || !IN_FLIGHT.includes(status)) {
    const { rows } = await newestQuery({ ...filter, test: false }, range).execute(db)
    if (rows.length === filter.limit || !(await holdsMore(db, range))) return rows
  }
  return merge(db, filter, range, asksForEnvironment(filter) && (await hasFew(db, filter)))
}

/**
 * An id begins with the milliseconds at which it was made, just before its execution was accepted. Milliseconds that this
 * may take at most; what is within them is compared exactly.
 */
const SLACK_MS = 10

function toRange({ from, to, before }: ExecutionFilter): Range {
  const first = from === undefined ? '' : firstIdAt(from - SLACK_MS)
  const end = to === undefined ? 'g' : firstIdAt(to + SLACK_MS)
  return { first, before: before !== undefined && before.toLowerCase() < end ? before.toLowerCase() : end }
}

const columns = sql.join(summaryColumns.map((column) => sql.ref(column)))

/** Executions that are looked at one by one. Half a millisecond. */
const NEWEST = 4_000

export function newestQuery(filter: ExecutionFilter, { first, before }: Range): RawBuilder<ExecutionSummary> {
  return sql<ExecutionSummary>`
    select ${columns} from (
      select ${columns} from executions where execution_id >= ${first} and execution_id < ${before} order by execution_id desc limit ${NEWEST})
    where ${matchesRow(filter)} order by execution_id desc limit ${filter.limit}`
}

/** Whether there may be more than were looked at. Some may have come, or been removed, since. */
async function holdsMore(db: Db, { first, before }: Range): Promise<boolean> {
  const { rows } = await sql`
    select 1 from executions where execution_id >= ${first} and execution_id < ${before}
    order by execution_id desc limit 1 offset ${NEWEST - 1_000}`.execute(db)
  return rows.length > 0
}

/**
 * One by one through the session, whose index is that small because most executions may have a session and pay for it. Only
 * where a session has had many thousands, and hardly one of them matches, does that take long: some microseconds each.
 */
export function sessionQuery(filter: ExecutionFilter, { first, before }: Range): RawBuilder<ExecutionSummary> {
  return sql<ExecutionSummary>`
    select ${columns} from executions
    where session_id = ${filter.session_id} and execution_id >= ${first} and execution_id < ${before} and ${matchesRow(filter)}
    order by execution_id desc limit ${filter.limit}`
}

/** One by one through an index of their own: people test by hand, and what is rare among them is looked for among few. */
export function draftsQuery(filter: ExecutionFilter, { first, before }: Range): RawBuilder<ExecutionSummary> {
  return sql<ExecutionSummary>`
    select ${columns} from executions
    where deployment_id <= '' and execution_id >= ${first} and execution_id < ${before} and ${matchesRow({ ...filter, test: undefined })}
    order by execution_id desc limit ${filter.limit}`
}

/** None of it is what an index is chosen by, but for what the queries say themselves. */
function matchesRow(filter: ExecutionFilter): RawBuilder<unknown> {
  const { deployment_name, environment, workflow_id, status, release, test, from, to, reach } = filter
  // Executions of deleted deployments are hidden until they are purged.
  const conditions = [sql`deployment_id not in (select deployment_id from purges)`, ...withinReach(reach, 'environment', 'deployment_name')]
  if (deployment_name !== undefined) conditions.push(sql`deployment_name = ${deployment_name}`)
  if (environment !== undefined) conditions.push(sql`environment = ${environment}`)
  if (workflow_id !== undefined) conditions.push(sql`workflow_id = ${workflow_id}`)
  if (status !== undefined) conditions.push(sql`status = ${status}`)
  if (test !== undefined) conditions.push(test ? sql`deployment_id = ''` : sql`deployment_id <> ''`)
  if (release !== undefined) conditions.push(sql`release_number = ${release}`)
  if (from !== undefined) conditions.push(sql`created_at >= ${from}`)
  if (to !== undefined) conditions.push(sql`created_at < ${to}`)
  return sql.join(conditions, sql` and `)
}

/** Deployments whose runs are merged; of more of them, something that is rare is looked for without regard to them. */
const FEW = 200

async function hasFew(db: Db, filter: ExecutionFilter): Promise<boolean> {
  const { rows } = await sql`
    select 1 from deployments c where true ${inEnvironment(filter, 'c')} limit ${FEW + 1}`.execute(db)
  return rows.length <= FEW
}

async function merge(db: Db, filter: ExecutionFilter, range: Range, byDeployment: boolean): Promise<ExecutionSummary[]> {
  const { from = -Infinity, to = Infinity, limit } = filter
  const found: ExecutionSummary[] = []
  let { before } = range
  for (;;) {
    const rows = await mergeRuns(db, filter, { ...range, before }, byDeployment)
    found.push(...rows.filter(({ created_at }) => created_at >= from && created_at < to))
    if (found.length >= limit || rows.length < limit) return found.slice(0, limit)
    before = rows.at(-1)!.execution_id
  }
}

/** All deployments only where those that were executed last do not hold the whole answer, as far in the past. */
async function mergeRuns(db: Db, filter: ExecutionFilter, range: Range, byDeployment: boolean): Promise<MergedExecution[]> {
  const { limit, status = 'completed' } = filter
  if (!byDeployment && status === 'completed') {
    // As many as there are executions would do, were it known of each how new its newest is that matches.
    const { rows } = await mergeQuery(filter, range, byDeployment, FEW + limit).execute(db)
    const last = rows.at(-1)
    if (last && (last.cut === '' || (rows.length === limit && last.execution_id >= last.cut))) return rows
  }
  return (await mergeQuery(filter, range, byDeployment).execute(db)).rows
}
