import { DeploysHeld, WorkflowChanged, type StudioError, type Warning } from '../errors.ts'
import type { Cancelled } from '../engine/dispatcher.ts'
import type { RuntimeConfig } from '../engine/journal.ts'
import { cancelInFlight, thawInFlight } from '../executions/in-flight-repository.ts'
import { releaseDigest } from '../graph/digest.ts'
import { findMissing, insertReferences, type DefinitionReferences } from '../secrets/reference-repository.ts'
import type { Actor } from '../store/origin.ts'
import { defineCommand, type Command, type Db } from '../store/store.ts'
import type { DeploymentRow, ReleaseRow } from '../store/tables.ts'
import { findWorkflow } from '../workflows/repository.ts'
import { counts, recordDeploymentChange, stateOf } from './audited.ts'
import { refuseBadRuntimeConfig } from './check-runtime-config-repository.ts'
import { inheritRuntimeConfig, type GivenRuntimeConfig } from './deployment.ts'
import { endHold, findHold } from './hold-repository.ts'
import { findDeployments, getDeployment, type DeploymentRecord } from './repository.ts'
import { replaceRoutes, type RouteChange } from './routing-repository.ts'
import { readTraffic } from './routing.ts'

/** What becomes of executions in flight on other releases: they end there, or are cancelled. */
export type InFlightMode = 'pin' | 'cancel'

/** A release that a name in an environment shall serve from now on, however it is made. */
export interface NewRelease {
  name: string
  environment: string
  /** Who is said to make it. */
  deployed_by: string | null
  /** Undefined: as the release that is live. */
  runtime_config: GivenRuntimeConfig | undefined
  /** Makes a release even if the very same one serves already. */
  force: boolean
  workflow: { workflow_id: string; name: string; version: string; description: string | null }
  definition_digest: string
  /** In its RFC 8785 form. */
  definition: string
  /** What the definition refers to. Left out where it refers to nothing, or is stored already. */
  references?: DefinitionReferences
  note?: string | null | undefined
  in_flight?: InFlightMode | undefined
  /** Made by a program that nobody watches: refused after a rollback, until somebody lets such deploys go on. */
  automated?: boolean | undefined
  /** For the deployment, if the name is new. */
  new_deployment_id: string
  now: number
}

export interface Deploy extends NewRelease {
  workflow: NewRelease['workflow'] & { revision: number }
  /** What the answer remarks; given back with the result. */
  warnings?: Warning[]
}

/** The release that a definition was taken from, where it was not made of a workflow. */
export interface ReleaseSource {
  deployment_name: string
  environment: string
  release: number
}

/** How a release is made. */
export interface Making {
  made_by: ReleaseRow['made_by']
  made_from?: ReleaseSource
  proposal_id?: string
  /** Who asked for it, where that is not who makes the change. */
  asked_by?: Pick<Actor, 'key_id' | 'name'>
  /** What the trail says besides. */
  remarks?: Record<string, unknown>
  /** The error for an environment that lacks something the definition refers to. */
  refuse: (missing: { kind: 'secret' | 'variable'; name: string }[]) => StudioError
}

export interface Deployed {
  record: DeploymentRecord
  unchanged: boolean
  warnings: Warning[]
  /** The executions that were frozen and go on. */
  thawed: string[]
  cancelled: Cancelled[]
}

const KINDS = { deploy: 'deploy', promotion: 'promote', runtime_config: 'configure' } as const satisfies Record<
  ReleaseRow['made_by'],
  RouteChange['kind']
>

/**
 * @throws WorkflowChanged when the workflow is not any more what the definition was made from, or what it refers to is gone
 * @throws DeploysHeld
 */
export const deployRelease: Command<Deploy, Deployed> = defineCommand('deployments.deploy', async (db, deploy, actor) => {
  const { workflow_id, revision } = deploy.workflow
  if ((await findWorkflow(db, workflow_id))?.revision !== revision) throw new WorkflowChanged({ workflow_id })
  // Found when it was prepared, and deleted since: prepared again, the deploy says so.
  const refuse = (): StudioError => new WorkflowChanged({ workflow_id })
  return { ...(await makeRelease(db, actor, deploy, { made_by: 'deploy', refuse })), warnings: deploy.warnings ?? [] }
})

/**
 * Makes a release and sends all executions to it, in the transaction of a command. Where the very same one serves all of them
 * already, nothing of that happens.
 * @throws DeploysHeld, InvalidInput for a runtime configuration that cannot be had there, and what `refuse` gives
 */
export async function makeRelease(db: Db, actor: Actor, release: NewRelease, making: Making): Promise<Omit<Deployed, 'warnings'>> {
  const [existing] = await findDeployments(db, release.name, [release.environment])
  const before = existing && (await getDeployment(db, existing.deployment_id))
  const hold = existing && (await findHold(db, existing.deployment_id))
  if (hold && release.automated) throw new DeploysHeld({ name: release.name, environment: release.environment, ...hold })
  const runtimeConfig = inheritRuntimeConfig(release.runtime_config, before && (JSON.parse(before.runtime_config) as RuntimeConfig))
  const digest = releaseDigest(release.definition, runtimeConfig)
  const isConfigured = making.made_by === 'runtime_config'
  const unchanged = before !== undefined && !release.force && isThere(before, digest, making.made_by)
  const deployment_id = existing?.deployment_id ?? release.new_deployment_id
  const number = unchanged ? before.number : (existing?.last_release ?? 0) + 1
  const { deployed_by: by, note: reason, now: at } = release
  if (!unchanged) {
    if (!existing) await introduce(db, release)
    else if (isConfigured) await countRelease(db, existing)
    else await switchOver(db, existing, release)
    await insertRelease(db, actor, { deployment_id, number, digest, runtimeConfig, release, making })
    await replaceRoutes(db, deployment_id, number, { kind: KINDS[making.made_by], at, actor, by, reason })
  }
  const cancelled = release.in_flight === 'cancel' ? await cancelInFlight(db, { deployment_id, other_than_release: number }, at) : []
  const thawed = existing?.status === 'inactive' && !isConfigured ? await thawInFlight(db, deployment_id) : []
  // Somebody who looks has decided what serves.
  const isResumed = hold !== undefined && !isConfigured && (await endHold(db, deployment_id))
  const record = (await getDeployment(db, deployment_id))!
  if (!unchanged || cancelled.length > 0 || isResumed) {
    const happened = { ...(isResumed && { automated_deploys: 'resumed' }), ...counts({ thawed, cancelled }) }
    const after = { ...stateOf(record), ...(reason && { note: reason }), ...making.remarks, ...happened }
    await recordDeploymentChange(db, actor, 'deployment.deploy', record, { at, before: before ? stateOf(before) : null, after })
  }
  return { record, unchanged, thawed, cancelled }
}

/** Whether there is nothing to do. A configuration that is the same leaves what is stopped, and a canary, as it is. */
export function isThere(served: DeploymentRecord, digest: string, made_by: Making['made_by']): boolean {
  return made_by === 'runtime_config' ? served.digest === digest : isServed(served, digest)
}

/** Whether all executions go to the release of this digest. */
export function isServed(
  { status, digest, traffic, number }: Pick<DeploymentRecord, 'status' | 'digest' | 'traffic' | 'number'>,
  wanted: string,
): boolean {
  return status === 'active' && digest === wanted && readTraffic(traffic, number).some(({ percent }) => percent === 100)
}

async function introduce(db: Db, { name, environment, deployed_by, workflow, new_deployment_id, now }: NewRelease): Promise<void> {
  await db
    .insertInto('deployments')
    .values({
      deployment_id: new_deployment_id,
      name,
      environment,
      status: 'active',
      workflow_id: workflow.workflow_id,
      last_release: 1,
      deployed_at: now,
      deployed_by,
      stopped_at: null,
      live_release: 0,
      traffic: null,
      route_change: 0,
    })
    .execute()
  await db.insertInto('deployment_counters').values({ deployment_id: new_deployment_id, execution_count: 0, error_count: 0 }).execute()
}

async function switchOver(db: Db, existing: DeploymentRow, { deployed_by, workflow, now }: NewRelease): Promise<void> {
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
}

async function countRelease(db: Db, { deployment_id, last_release }: DeploymentRow): Promise<void> {
  await db
    .updateTable('deployments')
    .set({ last_release: last_release + 1 })
    .where('deployment_id', '=', deployment_id)
    .execute()
}

interface Insert {
  deployment_id: string
  number: number
  digest: string
  runtimeConfig: RuntimeConfig
  release: NewRelease
  making: Making
}

async function insertRelease(
  db: Db,
  actor: Actor,
  { deployment_id, number, digest, runtimeConfig, release, making }: Insert,
): Promise<void> {
  const { definition_digest, definition, references, workflow } = release
  await db
    .insertInto('definitions')
    .values({ definition_digest, definition })
    .onConflict((conflict) => conflict.column('definition_digest').doNothing())
    .execute()
  if (references) await insertReferences(db, definition_digest, references)
  const missing = await findMissing(db, definition_digest, release.environment)
  if (missing.length > 0) throw making.refuse(missing)
  await refuseBadRuntimeConfig(db, runtimeConfig, release.environment)
  await db
    .insertInto('releases')
    .values({
      deployment_id,
      number,
      digest,
      definition_digest,
      runtime_config: JSON.stringify(runtimeConfig),
      workflow_id: workflow.workflow_id,
      workflow_name: workflow.name,
      workflow_version: workflow.version,
      workflow_description: workflow.description,
      created_at: release.now,
      created_by: release.deployed_by,
      note: release.note ?? null,
      made_by: making.made_by,
      made_from: making.made_from ? JSON.stringify(making.made_from) : null,
      key_id: (making.asked_by ?? actor).key_id,
      key_name: (making.asked_by ?? actor).name,
      proposal_id: making.proposal_id ?? null,
    })
    .execute()
}

export const releaseCommands = [deployRelease]
