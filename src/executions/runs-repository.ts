import { sql, type RawBuilder } from 'kysely'
import { IN_FLIGHT, summaryColumns, type ExecutionFilter, type ExecutionSummary, type Range } from './execution-filter.ts'

type Sql = RawBuilder<unknown>

interface Wanted {
  filter: ExecutionFilter
  range: Range
  /** Whether the deployments are few that it can be. */
  byDeployment: boolean
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
export function mergeQuery(filter: ExecutionFilter, range: Range, byDeployment: boolean): RawBuilder<ExecutionSummary> {
  const wanted = { filter, range, byDeployment }
  const runs = [...endedRuns(wanted), ...inFlightRuns(wanted)]
  const tables = [...chosenDeployments(filter), ...runs.flatMap(({ tables: all }) => all)]
  const ids = runs.map(({ name }) => sql`select execution_id from ${sql.table(name)}`)
  return sql<ExecutionSummary>`
    with recursive ${sql.join(tables)}
    select ${sql.join(summaryColumns.map((column) => sql.ref(column)))} from executions
    where execution_id in (${sql.join(ids, sql` union all `)})
    order by execution_id desc limit ${filter.limit}`
}

/** Runs that were merged: the last of the tables has this name and the ids. */
interface Merged {
  name: string
  tables: Sql[]
}

const asked = ({ status }: ExecutionFilter, statuses: readonly string[]): string[] => statuses.filter((one) => one === (status ?? one))

function endedRuns(wanted: Wanted): Merged[] {
  const { filter, byDeployment } = wanted
  const all = asked(filter, ['completed', 'failed', 'cancelled'])
  const unsuccessful = byDeployment ? [] : all.filter((status) => status !== 'completed')
  const others = all.filter((status) => !unsuccessful.includes(status))
  return [...(others.length === 0 ? [] : [runsOfReleases(wanted, others)]), ...unsuccessful.map((status) => runOfStatus(wanted, status))]
}

/** Whether it is said in which deployments it can be. */
function choosesDeployments({ deployment_name, environment, workflow_id, release }: ExecutionFilter): boolean {
  return [deployment_name, environment, workflow_id, release].some((value) => value !== undefined)
}

function chosenDeployments(filter: ExecutionFilter): Sql[] {
  if (!choosesDeployments(filter)) return []
  const { deployment_name, environment, workflow_id, release } = filter
  const conditions: Sql[] = []
  if (deployment_name !== undefined) conditions.push(sql`name = ${deployment_name}`)
  if (environment !== undefined) conditions.push(sql`environment = ${environment}`)
  if (workflow_id !== undefined)
    conditions.push(sql`deployment_id in (select deployment_id from releases where workflow_id = ${workflow_id})`)
  // This reads the keys of all releases, so it is not done where the deployments are few already.
  if (conditions.length === 0) conditions.push(sql`deployment_id in (select deployment_id from releases where number = ${release})`)
  return [sql`chosen(deployment_id) as materialized (select deployment_id from deployments where ${sql.join(conditions, sql` and `)})`]
}

/** What the filter asks of an entry of an index that has a deployment and a release. */
function matchesRun(filter: ExecutionFilter): Sql {
  const { release, workflow_id } = filter
  const conditions = [
    // Executions of deleted deployments are hidden until they are purged.
    choosesDeployments(filter)
      ? sql`deployment_id in (select deployment_id from chosen)`
      : sql`deployment_id not in (select deployment_id from purges)`,
    ...(release === undefined ? [] : [sql`release_number = ${release}`]),
    // A name may have served several workflows, each release one of them.
    ...(workflow_id === undefined
      ? []
      : [sql`(deployment_id, release_number) in (select deployment_id, number from releases where workflow_id = ${workflow_id})`]),
  ]
  return sql.join(conditions, sql` and `)
}

const rowsOf = (words: string[]): Sql => sql`(values ${sql.join(words.map((word) => sql`(${word})`))})`

const within = ({ first }: Range, before: Sql): Sql => sql`x.execution_id >= ${first} and x.execution_id < ${before}`

/** A jump of an index to its greatest value; again for the next one below that. */
const greatest = (column: string, where: Sql): Sql => sql`(select max(x.${sql.ref(column)}) from executions x where ${where})`

function runsOfReleases(wanted: Wanted, statuses: string[]): Merged {
  const { filter, range } = wanted
  const ended = (of: string): Sql => sql`x.ended_at is not null and x.status = ${sql.ref(`${of}.status`)}`
  const ofDeployment = (of: string): Sql => sql`${ended(of)} and x.deployment_id = ${sql.ref(`${of}.deployment_id`)}`
  const older = (of: string, before: Sql): Sql =>
    greatest(
      'execution_id',
      sql`${ofDeployment(of)} and x.release_number = ${sql.ref(`${of}.release_number`)} and ${within(range, before)}`,
    )
  const deployments = choosesDeployments(filter)
    ? sql`select s.column1, deployment_id from ${rowsOf(statuses)} s cross join chosen`
    : sql`select s.column1, ${greatest('deployment_id', sql`x.ended_at is not null and x.status = s.column1`)} from ${rowsOf(statuses)} s
      union all
      select status, ${greatest('deployment_id', sql`${ended('ended_in')} and x.deployment_id < ended_in.deployment_id`)}
      from ended_in where deployment_id is not null`
  const releases =
    filter.release === undefined
      ? sql`select status, deployment_id, ${greatest('release_number', ofDeployment('ended_in'))} from ended_in
        union all
        select status, deployment_id, ${greatest('release_number', sql`${ofDeployment('runs')} and x.release_number < runs.release_number`)}
        from runs where release_number is not null`
      : sql`select status, deployment_id, ${filter.release} from ended_in`
  const ids = sql`
    select ${older('runs', sql`${range.before}`)}, status, deployment_id, release_number from runs where ${matchesRun(filter)}
    union all
    select ${older('ended', sql`ended.execution_id`)}, status, deployment_id, release_number from ended where execution_id is not null
    order by 1 desc limit ${filter.limit}`
  return {
    name: 'ended',
    tables: [
      sql`ended_in(status, deployment_id) as (${deployments})`,
      sql`runs(status, deployment_id, release_number) as (${releases})`,
      sql`ended(execution_id, status, deployment_id, release_number) as (${ids})`,
    ],
  }
}

/** Of many deployments: all that failed, or were cancelled, are one run. */
function runOfStatus({ filter, range }: Wanted, status: string): Merged {
  const ids = sql`
    select x.execution_id from executions x
    where x.ended_at is not null and x.status <> 'completed' and x.status = ${status} and ${within(range, sql`${range.before}`)}
      and ${matchesRun(filter)}
    order by x.execution_id desc limit ${filter.limit}`
  return { name: status, tables: [sql`${sql.table(status)}(execution_id) as (${ids})`] }
}

function inFlightRuns({ filter, range, byDeployment }: Wanted): Merged[] {
  const statuses = asked(filter, IN_FLIGHT)
  if (statuses.length === 0) return []
  const older = (status: string, deployment: string, before: Sql): Sql =>
    greatest(
      'execution_id',
      sql`x.ended_at is null and x.deployment_id = ${sql.ref(deployment)} and x.status = ${sql.ref(status)}
        and ${within(range, before)} and ${matchesRun(filter)}`,
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
