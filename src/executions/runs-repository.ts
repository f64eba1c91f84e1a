import { sql, type RawBuilder } from 'kysely'
import { ALL, asksForEnvironment, deploymentsOf, inEnvironment, type Deployments, type Wanted } from './listed-deployments-repository.ts'
import { IN_FLIGHT, summaryColumns, type ExecutionFilter, type ExecutionSummary, type Range } from './execution-filter.ts'

type Sql = RawBuilder<unknown>

export interface MergedExecution extends ExecutionSummary {
  /** What was left out is no newer than this; empty where nothing was. */
  cut: string
}

/**
 * The executions of one status, deployment and release are a run of an index, in the order of their ids, so every list is
 * a merge of runs. A recursive query that has an order is a queue that gives its greatest row first: each run puts its
 * newest id into it and, when that is taken, the next one. A run costs some microseconds, and so does each row of the answer,
 * however long the runs are. Only among those in flight, and among those that did not complete, are rows passed over that do not
 * match, ten million in a second.
 *
 * It is one statement, so that an execution that ends meanwhile is neither missed nor there twice.
 */
export function mergeQuery(filter: ExecutionFilter, range: Range, byDeployment: boolean, most: number = ALL): RawBuilder<MergedExecution> {
  const wanted = { filter, range, byDeployment, most }
  const deployments = deploymentsOf(wanted)
  const ended = endedRuns(wanted, deployments)
  const runs = [...ended, ...inFlightRuns(wanted)]
  const isMerged = byDeployment || ended.some(({ name }) => name === 'ended')
  const tables = [...(isMerged ? deployments.tables : []), ...runs.flatMap(({ tables: all }) => all)]
  const ids = runs.map(({ name }) => sql`select execution_id from ${sql.table(name)}`)
  return sql<MergedExecution>`
    with recursive ${sql.join(tables)}
    select ${sql.join(summaryColumns.map((column) => sql.ref(column)))}, ${isMerged ? deployments.cut : sql`''`} as cut from executions
    where execution_id in (${sql.join(ids, sql` union all `)})
    order by execution_id desc limit ${filter.limit}`
}

/** Runs that were merged: the last of the tables has this name and the ids. */
interface Merged {
  name: string
  tables: Sql[]
}

const asked = ({ status }: ExecutionFilter, statuses: readonly string[]): string[] => statuses.filter((one) => one === (status ?? one))

function endedRuns(wanted: Wanted, deployments: Deployments): Merged[] {
  const { filter, byDeployment } = wanted
  const all = asked(filter, ['completed', 'failed', 'cancelled'])
  const unsuccessful = byDeployment ? [] : all.filter((status) => status !== 'completed')
  const others = all.filter((status) => !unsuccessful.includes(status))
  return [
    ...(others.length === 0 ? [] : [runsOfReleases(wanted, others, deployments)]),
    ...unsuccessful.map((status) => runOfStatus(wanted, status)),
  ]
}

/** What the filter asks of an entry of an index that has a deployment and a release. */
function matchesEntry({ filter, byDeployment }: Wanted): Sql {
  const { release } = filter
  const conditions = [
    // Executions of deleted deployments are hidden until they are purged.
    byDeployment
      ? sql`x.deployment_id in (select deployment_id from chosen)`
      : !asksForEnvironment(filter) && sql`x.deployment_id not in (select deployment_id from purges)`,
    // Those of drafts are a list of their own.
    !byDeployment && sql`x.deployment_id <> ''`,
    release !== undefined && sql`x.release_number = ${release}`,
    leadsToWorkflow(filter, 'x'),
  ]
  return sql`${sql.join(
    conditions.filter((one) => one !== false),
    sql` and `,
  )} ${byDeployment ? sql`` : inEnvironment(filter, 'x')}`
}

/** A name may have served several workflows, each release one of them. */
function leadsToWorkflow({ workflow_id }: ExecutionFilter, of: string): Sql {
  if (workflow_id === undefined) return sql`true`
  const run = sql`(${sql.ref(`${of}.deployment_id`)}, ${sql.ref(`${of}.release_number`)})`
  return sql`${run} in (select deployment_id, number from releases where workflow_id = ${workflow_id})`
}

const rowsOf = (words: string[]): Sql => sql`(values ${sql.join(words.map((word) => sql`(${word})`))})`

const within = ({ first }: Range, before: Sql): Sql => sql`x.execution_id >= ${first} and x.execution_id < ${before}`

/** A jump of an index to its greatest value; again for the next one below that. */
const greatest = (column: string, where: Sql): Sql => sql`(select max(x.${sql.ref(column)}) from executions x where ${where})`

function runsOfReleases({ filter, range }: Wanted, statuses: string[], { name }: Deployments): Merged {
  const ended = (of: string): Sql => sql`x.ended_at is not null and x.status = ${sql.ref(`${of}.status`)}`
  const ofDeployment = (of: string): Sql => sql`${ended(of)} and x.deployment_id = ${sql.ref(`${of}.deployment_id`)}`
  const older = (of: string, before: Sql): Sql =>
    greatest(
      'execution_id',
      sql`${ofDeployment(of)} and x.release_number = ${sql.ref(`${of}.release_number`)} and ${within(range, before)}`,
    )
  const releases =
    filter.release === undefined
      ? sql`select status, deployment_id, ${greatest('release_number', ofDeployment('ended_in'))} from ended_in
        union all
        select status, deployment_id, ${greatest('release_number', sql`${ofDeployment('runs')} and x.release_number < runs.release_number`)}
        from runs where release_number is not null`
      : sql`select status, deployment_id, ${filter.release} from ended_in`
  // As many runs as there are executions in the answer: each of the others has a newer one to show.
  const newest = sql`
    select ${older('runs', sql`${range.before}`)}, status, deployment_id, release_number from runs where ${leadsToWorkflow(filter, 'runs')}
    order by 1 desc limit ${filter.limit}`
  const ids = sql`
    select * from (${newest})
    union all
    select ${older('ended', sql`ended.execution_id`)}, status, deployment_id, release_number from ended where execution_id is not null
    order by 1 desc limit ${filter.limit}`
  return {
    name: 'ended',
    tables: [
      sql`ended_in(status, deployment_id) as (select s.column1, deployment_id from ${rowsOf(statuses)} s cross join ${sql.table(name)})`,
      sql`runs(status, deployment_id, release_number) as (${releases})`,
      sql`ended(execution_id, status, deployment_id, release_number) as (${ids})`,
    ],
  }
}

/** Of many deployments: all that failed, or were cancelled, are one run. */
function runOfStatus(wanted: Wanted, status: string): Merged {
  const { filter, range } = wanted
  const ids = sql`
    select x.execution_id from executions x
    where x.ended_at is not null and x.status <> 'completed' and x.status = ${status} and ${within(range, sql`${range.before}`)}
      and ${matchesEntry(wanted)}
    order by x.execution_id desc limit ${filter.limit}`
  return { name: status, tables: [sql`${sql.table(status)}(execution_id) as (${ids})`] }
}

function inFlightRuns(wanted: Wanted): Merged[] {
  const { filter, range, byDeployment } = wanted
  const statuses = asked(filter, IN_FLIGHT)
  if (statuses.length === 0) return []
  const older = (status: string, deployment: string, before: Sql): Sql =>
    greatest(
      'execution_id',
      sql`x.ended_at is null and x.deployment_id = ${sql.ref(deployment)} and x.status = ${sql.ref(status)}
        and ${within(range, before)} and ${matchesEntry(wanted)}`,
    )
  const deployments = byDeployment
    ? sql`select deployment_id from chosen`
    : sql`select ${greatest('deployment_id', sql`x.ended_at is null`)}
      union all
      select ${greatest('deployment_id', sql`x.ended_at is null and x.deployment_id < busy.deployment_id`)} from busy where deployment_id is not null`
  const ids = sql`
    select ${older('s.column1', 'busy.deployment_id', sql`${range.before}`)}, s.column1, deployment_id from busy cross join ${rowsOf(statuses)} s
    union all
    select ${older('in_flight.status', 'in_flight.deployment_id', sql`in_flight.execution_id`)}, status, deployment_id
    from in_flight where execution_id is not null
    order by 1 desc limit ${filter.limit}`
  return [
    {
      name: 'in_flight',
      tables: [sql`busy(deployment_id) as (${deployments})`, sql`in_flight(execution_id, status, deployment_id) as (${ids})`],
    },
  ]
}
