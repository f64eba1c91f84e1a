import { sql } from 'kysely'
import type { Reach } from '../access/caller.ts'
import { DeploymentNotFound, DeploymentNotInactive, WorkflowChanged, type Warning } from '../errors.ts'
import type { Cancelled } from '../engine/dispatcher.ts'
import type { RuntimeConfig } from '../engine/journal.ts'
import { releaseDigest } from '../graph/digest.ts'
import { defineCommand, type Command, type Db } from '../store/store.ts'
import type { DeploymentRow } from '../store/tables.ts'
import { cancelInFlight, freezeInFlight, thawInFlight } from '../executions/in-flight-repository.ts'
import { findMissing, insertReferences, type DefinitionReferences } from '../secrets/reference-repository.ts'
import { findWorkflow } from '../workflows/repository.ts'
import { counts, recordDeploymentChange, stateOf } from './audited.ts'
import { inheritRuntimeConfig, type GivenRuntimeConfig } from './deployment.ts'

// — Queries —

/** A deployment with its counters and the release that it routes to. */
export function selectDeployments(db: Db) {
  return db
    .selectFrom('deployments as d')
    .innerJoin('deployment_counters as c', 'c.deployment_id', 'd.deployment_id')
    .innerJoin('routes as r', 'r.deployment_id', 'd.deployment_id')
    .innerJoin('releases as l', (join) => join.onRef('l.deployment_id', '=', 'd.deployment_id').onRef('l.number', '=', 'r.release_number'))
    .select([
      'd.deployment_id',
      'd.name',
      'd.environment',
      'd.status',
      'd.deployed_at',
      'd.deployed_by',
      'd.stopped_at',
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

// — Commands: one change of the routing each —

export interface Deploy {
  name: string
  environment: string
  deployed_by: string | null
  runtime_config: GivenRuntimeConfig | undefined
  force: boolean
  workflow: { workflow_id: string; revision: number; name: string; version: string; description: string | null }
  definition_digest: string
  /** In its RFC 8785 form. */
  definition: string
  /** What the definition refers to. Left out where it refers to nothing. */
  references?: DefinitionReferences
  /** What the answer remarks; given back with the result. */
  warnings?: Warning[]
  /** For the deployment, if the name is new. */
  new_deployment_id: string
  now: number
}

export interface Deployed {
  record: DeploymentRecord
  unchanged: boolean
  warnings: Warning[]
  /** The executions that were frozen and go on. */
  thawed: string[]
}

/** @throws WorkflowChanged when the workflow is not any more what the definition was made from, or what it refers to is gone */
export const deployRelease: Command<Deploy, Deployed> = defineCommand('deployments.deploy', async (db, deploy, actor) => {
  const { workflow_id, revision } = deploy.workflow
  if ((await findWorkflow(db, workflow_id))?.revision !== revision) throw new WorkflowChanged({ workflow_id })
  const { warnings = [] } = deploy

  const [existing] = await findDeployments(db, deploy.name, [deploy.environment])
  const last = existing && (await findRelease(db, existing.deployment_id, existing.last_release))
  const runtimeConfig = inheritRuntimeConfig(deploy.runtime_config, last && (JSON.parse(last.runtime_config) as RuntimeConfig))
  const digest = releaseDigest(deploy.definition, runtimeConfig)
  const before = existing && (await getDeployment(db, existing.deployment_id))
  if (before?.status === 'active' && before.digest === digest && !deploy.force)
    return { record: before, unchanged: true, warnings, thawed: [] }
  const deploymentId = existing ? await switchOver(db, existing, deploy) : await introduce(db, deploy)
  await insertRelease(db, { deploymentId, number: (existing?.last_release ?? 0) + 1, digest, runtimeConfig, deploy })
  const thawed = existing?.status === 'inactive' ? await thawInFlight(db, deploymentId) : []
  const record = (await getDeployment(db, deploymentId))!
  const states = { before: before ? stateOf(before) : null, after: { ...stateOf(record), ...counts({ thawed }) } }
  await recordDeploymentChange(db, actor, 'deployment.deploy', record, { at: deploy.now, ...states })
  return { record, unchanged: false, warnings, thawed }
})

function findRelease(db: Db, deploymentId: string, number: number) {
  return db.selectFrom('releases').selectAll().where('deployment_id', '=', deploymentId).where('number', '=', number).executeTakeFirst()
}

async function introduce(db: Db, { name, environment, deployed_by, workflow, new_deployment_id, now }: Deploy): Promise<string> {
  const { workflow_id } = workflow
  await db
    .insertInto('deployments')
    .values({
      deployment_id: new_deployment_id,
      name,
      environment,
      status: 'active',
      workflow_id,
      last_release: 1,
      deployed_at: now,
      deployed_by,
      stopped_at: null,
    })
    .execute()
  await db.insertInto('deployment_counters').values({ deployment_id: new_deployment_id, execution_count: 0, error_count: 0 }).execute()
  return new_deployment_id
}

async function switchOver(db: Db, existing: DeploymentRow, { deployed_by, workflow, now }: Deploy): Promise<string> {
  await db
    .updateTable('deployments')
    .set({
      status: 'active',
      workflow_id: workflow.workflow_id,
      last_release: existing.last_release + 1,
      deployed_at: now,
      deployed_by,
      stopped_at: null,
    })
    .where('deployment_id', '=', existing.deployment_id)
    .execute()
  await db.deleteFrom('routes').where('deployment_id', '=', existing.deployment_id).execute()
  return existing.deployment_id
}

interface NewRelease {
  deploymentId: string
  number: number
  digest: string
  runtimeConfig: RuntimeConfig
  deploy: Deploy
}

async function insertRelease(db: Db, { deploymentId, number, digest, runtimeConfig, deploy }: NewRelease): Promise<void> {
  const { definition_digest, definition, workflow, deployed_by, now } = deploy
  await db
    .insertInto('definitions')
    .values({ definition_digest, definition })
    .onConflict((conflict) => conflict.column('definition_digest').doNothing())
    .execute()
  if (deploy.references) {
    await insertReferences(db, definition_digest, deploy.references)
    // Found when it was prepared, and deleted since: prepared again, the deploy says so.
    const missing = await findMissing(db, definition_digest, deploy.environment)
    if (missing.length > 0) throw new WorkflowChanged({ workflow_id: workflow.workflow_id })
  }
  await db
    .insertInto('releases')
    .values({
      deployment_id: deploymentId,
      number,
      digest,
      definition_digest,
      runtime_config: JSON.stringify(runtimeConfig),
      workflow_id: workflow.workflow_id,
      workflow_name: workflow.name,
      workflow_version: workflow.version,
      workflow_description: workflow.description,
      created_at: now,
      created_by: deployed_by,
    })
    .execute()
  await db.insertInto('routes').values({ deployment_id: deploymentId, release_number: number, percent: 100 }).execute()
}

export interface NamedDeployment {
  name: string
  environments: readonly string[]
  now: number
}

/** What becomes of the executions in flight: they end by themselves, are cancelled, or rest until the deployment is reactivated. */
export type StopMode = 'drain' | 'cancel' | 'freeze'

export interface Stop extends NamedDeployment {
  /** Undefined: as `drain` for one that is active, and nothing for one that is not. */
  mode: StopMode | undefined
}

export interface StoppedDeployment {
  deployment: DeploymentRow
  cancelled: Cancelled[]
  frozen: string[]
  /** The executions that were frozen and go on, to end by themselves. */
  thawed: string[]
}

/**
 * Stops the first that is active; where none is, it leaves the first as it is, and does what the mode says to those that
 * are still in flight there.
 * @throws DeploymentNotFound
 */
export const stopDeployment = defineCommand(
  'deployments.stop',
  async (db, { name, environments, mode, now }: Stop, actor): Promise<StoppedDeployment> => {
    const found = await findDeployments(db, name, environments)
    const first = found.find((one) => one.status === 'active') ?? found[0]
    if (!first) throw new DeploymentNotFound({ name, searched: [...environments] })
    const { deployment_id } = first
    const deployment = first.status === 'inactive' ? first : await setStatus(db, deployment_id, { status: 'inactive', stopped_at: now })
    const cancelled = mode === 'cancel' ? await cancelInFlight(db, { deployment_id }, now) : []
    const frozen = mode === 'freeze' ? await freezeInFlight(db, deployment_id) : []
    const thawed = mode === 'drain' ? await thawInFlight(db, deployment_id) : []
    const affected = counts({ cancelled, frozen, thawed })
    if (first.status === 'active' || Object.keys(affected).length > 0) {
      const after = { status: 'inactive', mode: mode ?? 'drain', ...affected }
      await recordDeploymentChange(db, actor, 'deployment.stop', first, { at: now, before: { status: first.status }, after })
    }
    return { deployment, cancelled, frozen, thawed }
  },
)

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

export const deploymentCommands = [deployRelease, stopDeployment, reactivateDeployment, deleteDeployment]
