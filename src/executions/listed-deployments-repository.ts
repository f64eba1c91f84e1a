import { sql, type RawBuilder } from 'kysely'
import { isLimited, type Reach } from '../access/caller.ts'
import type { ExecutionFilter, Range } from './execution-filter.ts'

type Sql = RawBuilder<unknown>

/** Where the executions of a list may be. */
export interface Wanted {
  filter: ExecutionFilter
  range: Range
  /** Whether the deployments are few that they can be in. */
  byDeployment: boolean
  /** Of more deployments, so many at most: those that were executed last. */
  most: number
}

/** A limit that is none. */
export const ALL = -1

/** Deployments whose runs are merged, in a table of this name. */
export interface Deployments {
  name: string
  tables: Sql[]
  /** None of the deployments that were left out has a newer execution that ended; empty where none was left out. */
  cut: Sql
}

export function deploymentsOf(wanted: Wanted): Deployments {
  if (wanted.byDeployment) return chosenDeployments(wanted.filter)
  return wanted.most === ALL ? allDeployments(wanted.filter) : recentDeployments(wanted)
}

function chosenDeployments({ deployment_name, environment, workflow_id, reach }: ExecutionFilter): Deployments {
  const conditions = withinReach(reach, 'environment', 'name')
  if (deployment_name !== undefined) conditions.push(sql`name = ${deployment_name}`)
  if (environment !== undefined) conditions.push(sql`environment = ${environment}`)
  if (workflow_id !== undefined)
    conditions.push(sql`deployment_id in (select deployment_id from releases where workflow_id = ${workflow_id})`)
  const chosen = sql`chosen(deployment_id) as materialized (select deployment_id from deployments where ${sql.join(conditions, sql` and `)})`
  return { name: 'chosen', tables: [chosen], cut: sql`''` }
}

/** In the order of the index in which each of them is looked up. */
function allDeployments(filter: ExecutionFilter): Deployments {
  const { release } = filter
  const from = release === undefined ? sql`deployment_counters c where true` : sql`releases c where c.number = ${release}`
  const every = sql`every(deployment_id) as materialized (
    select c.deployment_id from ${from} ${inEnvironment(filter, 'c')} order by c.deployment_id)`
  return { name: 'every', tables: [every], cut: sql`''` }
}

/**
 * As far as it is known without a look at their executions: a release that routes lead to is as new as its deployment, another
 * as new as that was when the last route was taken away.
 */
function recentDeployments({ filter, range, most }: Wanted): Deployments {
  const { release } = filter
  const newest = (from: Sql, column: string, where: Sql): Sql => sql`
    select c.deployment_id, ${sql.ref(column)} from ${from} where ${where} and ${sql.ref(column)} >= ${range.first} ${inEnvironment(filter, 'c')}
    order by ${sql.ref(column)} desc limit ${most}`
  const tables =
    release === undefined
      ? [sql`recent(deployment_id, newest) as materialized (${newest(sql`deployment_counters c`, 'c.newest_execution_id', sql`true`)})`]
      : [
          sql`serves(deployment_id, newest) as (${newest(
            sql`releases l cross join deployment_counters c on c.deployment_id = l.deployment_id`,
            'c.newest_execution_id',
            sql`l.number = ${release} and l.newest_execution_id is null`,
          )})`,
          sql`served(deployment_id, newest) as (${newest(sql`releases c`, 'c.newest_execution_id', sql`c.number = ${release}`)})`,
          sql`recent(deployment_id, newest) as materialized (
            select * from (select * from serves union all select * from served) order by newest desc limit ${most})`,
        ]
  return { name: 'recent', tables, cut: sql`(select case count(*) when ${most} then min(newest) else '' end from recent)` }
}

/** Of many: one by one, which costs less than to gather them where a thousand of them are looked at. */
export function inEnvironment(filter: ExecutionFilter, of: string): Sql {
  if (!asksForEnvironment(filter)) return sql``
  const { environment, reach } = filter
  const conditions = withinReach(reach, 'd.environment', 'd.name')
  if (environment !== undefined) conditions.push(sql`d.environment = ${environment}`)
  const id = sql.ref(`${of}.deployment_id`)
  return sql`and exists (select 1 from deployments d where ${sql.join(conditions, sql` and `)} and d.deployment_id = ${id})`
}

/** Whether it is not all deployments that whoever asks can see and wants to. */
export function asksForEnvironment({ environment, reach }: ExecutionFilter): boolean {
  return environment !== undefined || (reach !== undefined && isLimited(reach))
}

/** What can be seen at all. @param environment a column, as `name` */
export function withinReach(reach: Reach | undefined, environment: string, name: string): Sql[] {
  const conditions: Sql[] = []
  if (reach && reach.environments !== null) conditions.push(sql`${sql.ref(environment)} in (${sql.join([...reach.environments])})`)
  if (reach && reach.deployment_pattern !== null) conditions.push(sql`${sql.ref(name)} glob ${reach.deployment_pattern}`)
  return conditions
}
