import { sql } from 'kysely'
import type { Reach } from '../access/caller.ts'
import { DeploymentNotFound, DeploymentNotInactive } from '../errors.ts'
import type { Cancelled } from '../engine/dispatcher.ts'
import { defineCommand, type Db } from '../store/store.ts'
import type { DeploymentRow } from '../store/tables.ts'
import { cancelInFlight, thawInFlight } from '../executions/in-flight-repository.ts'
import { counts, recordDeploymentChange, stateOf } from './audited.ts'

// — Queries —

/** A deployment with its counters and the release that is live: of several routes, the one with the largest part. */
export function selectDeployments(db: Db) {
  return db
    .selectFrom('deployments as d')
    .innerJoin('deployment_counters as c', 'c.deployment_id', 'd.deployment_id')
    .innerJoin('releases as l', (join) => join.onRef('l.deployment_id', '=', 'd.deployment_id').onRef('l.number', '=', 'd.live_release'))
    .select([
      'd.deployment_id',
      'd.name',
      'd.environment',
      'd.status',
      'd.deployed_at',
      'd.deployed_by',
      'd.stopped_at',
      'd.traffic',
      'd.route_change',
      'c.execution_count',
      'c.error_count',
      'c.last_executed',
      'c.last_error',
      'l.number',
      'l.digest',
      'l.definition_digest',
      'l.runtime_config',
      'l.workflow_id',
      'l.workflow_name',
      'l.workflow_version',
      'l.workflow_description',
      'l.created_at as release_created_at',
      'l.created_by as release_created_by',
    ])
}

export type DeploymentRecord = Awaited<ReturnType<ReturnType<typeof selectDeployments>['executeTakeFirstOrThrow']>>

export interface DeploymentFilter {
  /** What whoever asks can see. */
  reach: Reach
  environment?: string | undefined
  status?: 'active' | 'inactive' | undefined
  q?: string | undefined
  after?: { name: string; environment: string } | undefined
  limit?: number
}

/** By name, then environment. */
export function listDeployments(db: Db, filter: DeploymentFilter): Promise<DeploymentRecord[]> {
  const { reach, environment, status, q, after, limit } = filter
  let query = seenBy(reach, selectDeployments(db))
  if (environment !== undefined) query = query.where('d.environment', '=', environment)
  if (status !== undefined) query = query.where('d.status', '=', status)
  if (q) query = query.where(({ fn, eb }) => eb(fn<number>('instr', [fn('lower', ['d.name']), eb.val(q.toLowerCase())]), '>', 0))
  if (after) {
    query = query.where(({ or, and, eb }) =>
      or([eb('d.name', '>', after.name), and([eb('d.name', '=', after.name), eb('d.environment', '>', after.environment)])]),
    )
  }
  if (limit !== undefined) query = query.limit(limit)
  return query.orderBy('d.name').orderBy('d.environment').execute()
}

function seenBy({ environments, deployment_pattern }: Reach, query: ReturnType<typeof selectDeployments>): typeof query {
  let seen = query
  if (environments !== null) seen = seen.where('d.environment', 'in', [...environments])
  if (deployment_pattern !== null) seen = seen.where(sql<boolean>`d.name glob ${deployment_pattern}`)
  return seen
}

export async function listDeploymentsOfWorkflows(db: Db, reach: Reach, workflowIds: readonly string[]): Promise<DeploymentRecord[]> {
  if (workflowIds.length === 0) return []
  return seenBy(reach, selectDeployments(db)).where('d.workflow_id', 'in', workflowIds).orderBy('d.name').orderBy('d.environment').execute()
}

export function getDeployment(db: Db, deploymentId: string): Promise<DeploymentRecord | undefined> {
  return selectDeployments(db).where('d.deployment_id', '=', deploymentId).executeTakeFirst()
}

/** In the order of `environments`. */
export async function findDeployments(db: Db, name: string, environments: readonly string[]): Promise<DeploymentRow[]> {
  const rows = await db.selectFrom('deployments').selectAll().where('name', '=', name).where('environment', 'in', environments).execute()
  return rows.sort((a, b) => environments.indexOf(a.environment) - environments.indexOf(b.environment))
}

export interface InFlight {
  queued: number
  running: number
  waiting: number
}

export async function countInFlight(db: Db, deploymentIds: readonly string[]): Promise<Map<string, InFlight>> {
  if (deploymentIds.length === 0) return new Map()
  const counts = new Map<string, InFlight>(deploymentIds.map((id) => [id, { queued: 0, running: 0, waiting: 0 }]))
  const rows = await db
    .selectFrom('executions')
    .select(({ fn }) => ['deployment_id', 'status', fn.countAll<number>().as('count')])
    .where('ended_at', 'is', null)
    .where('deployment_id', 'in', deploymentIds)
    .groupBy(['deployment_id', 'status'])
    .execute()
  for (const row of rows) counts.get(row.deployment_id)![row.status as keyof InFlight] = row.count
  return counts
}

// — Commands: one change each —

export interface NamedDeployment {
  name: string
  environments: readonly string[]
  now: number
}

export interface ReactivatedDeployment {
  record: DeploymentRecord
  /** The executions that were frozen and go on. */
  thawed: string[]
}

/** Starts the first that is inactive. @throws DeploymentNotFound, DeploymentNotInactive */
export const reactivateDeployment = defineCommand(
  'deployments.reactivate',
  async (db, { name, environments, now }: NamedDeployment, actor): Promise<ReactivatedDeployment> => {
    const found = await findDeployments(db, name, environments)
    const deployment = found.find((one) => one.status === 'inactive')
    if (deployment) {
      const { deployment_id } = deployment
      await setStatus(db, deployment_id, { status: 'active', stopped_at: null })
      const thawed = await thawInFlight(db, deployment_id)
      const after = { status: 'active', ...counts({ thawed }) }
      await recordDeploymentChange(db, actor, 'deployment.reactivate', deployment, { at: now, before: { status: 'inactive' }, after })
      return { record: (await getDeployment(db, deployment_id))!, thawed }
    }
    if (found[0]) throw new DeploymentNotInactive({ name, environment: found[0].environment })
    throw new DeploymentNotFound({ name, searched: [...environments] })
  },
)

function setStatus(db: Db, deploymentId: string, change: Pick<DeploymentRow, 'status' | 'stopped_at'>): Promise<DeploymentRow> {
  return db.updateTable('deployments').set(change).where('deployment_id', '=', deploymentId).returningAll().executeTakeFirstOrThrow()
}

export interface Deleted {
  deployment_id: string
  environment: string
  /** The executions that were in flight and are cancelled now. */
  cancelled: Cancelled[]
}

/**
 * Deletes the first of that name, whatever its status. Its history is hidden at once; the rows are purged in batches
 * afterwards, because deleting them all in one transaction would stall every other write.
 * @throws DeploymentNotFound
 */
export const deleteDeployment = defineCommand(
  'deployments.delete',
  async (db, { name, environments, now }: NamedDeployment, actor): Promise<Deleted> => {
    const [deployment] = await findDeployments(db, name, environments)
    if (!deployment) throw new DeploymentNotFound({ name, searched: [...environments] })
    const { deployment_id, environment } = deployment
    const record = (await getDeployment(db, deployment_id))!
    const cancelled = await cancelInFlight(db, { deployment_id }, now)
    await db.deleteFrom('deployments').where('deployment_id', '=', deployment_id).execute()
    await db.insertInto('purges').values({ deployment_id, requested_at: now }).execute()
    const { execution_count, error_count } = record
    const before = { ...stateOf(record), execution_count, error_count, ...counts({ in_flight: cancelled }) }
    await recordDeploymentChange(db, actor, 'deployment.delete', record, { at: now, before, after: null })
    return { deployment_id, environment, cancelled }
  },
)

export const deploymentCommands = [reactivateDeployment, deleteDeployment]
