import { DeploymentNotFound, InvalidInput, NothingToRollBackTo, ReleaseIncomplete, ReleaseServes, type UnfitRelease } from '../errors.ts'
import { findMissing } from '../secrets/reference-repository.ts'
import { missingIssue } from '../secrets/missing.ts'
import { defineCommand, type Db } from '../store/store.ts'
import type { DeploymentRow } from '../store/tables.ts'
import { recordDeploymentChange, stateOf } from './audited.ts'
import { countEnds } from './ends-repository.ts'
import { faultOf, formerReleases, partOf, type PastRouting } from './healthy-release.ts'
import { beginHold, endHold, findHold, type Hold } from './hold-repository.ts'
import { findDeployments, getDeployment, type DeploymentRecord, type NamedDeployment } from './repository.ts'
import { listRouteChanges, replaceRoutes } from './routing-repository.ts'
import { readTraffic, withoutBuckets } from './routing.ts'

export interface Rollback extends NamedDeployment {
  /** The release that shall serve. Undefined: the last that was healthy. */
  to: number | undefined
  reason: string | undefined
  by: string | undefined
}

export interface RolledBack {
  record: DeploymentRecord
  /** The releases that executions went to and do no longer. */
  from: number[]
  to: number
  hold: Hold
}

/** Changes of routes that are looked through for a healthy release. */
const MOST_CHANGES = 1_000

/**
 * Sends all executions to a release that is there, and holds automated deploys. A stopped deployment stays stopped.
 * @throws DeploymentNotFound, InvalidInput for an unknown release, ReleaseServes, ReleaseIncomplete, NothingToRollBackTo
 */
export const rollBack = defineCommand('deployments.rollback', async (db, rollback: Rollback, actor): Promise<RolledBack> => {
  const { now, reason = null, by = actor.name } = rollback
  const deployment = await findServing(db, rollback)
  const { deployment_id, name, environment } = deployment
  const before = (await getDeployment(db, deployment_id))!
  const to = rollback.to ?? (await findHealthy(db, deployment))
  const target = await findTarget(db, deployment, to)
  const served = withoutBuckets(readTraffic(before.traffic, before.number)).filter(({ percent }) => percent > 0)
  if (partOf(served, to) === 100) throw new ReleaseServes({ name, environment, release: to })
  const missing = await findMissing(db, target.definition_digest, environment)
  if (missing.length > 0) {
    throw new ReleaseIncomplete({ name, environment, release: to, errors: missing.map((one) => missingIssue(one, environment)) })
  }
  const from = served.flatMap(({ release }) => (release === to ? [] : [release]))
  await replaceRoutes(db, deployment_id, to, { kind: 'rollback', at: now, actor, by, reason })
  await db.updateTable('deployments').set({ workflow_id: target.workflow_id }).where('deployment_id', '=', deployment_id).execute()
  const hold = { since: now, by, reason, from_releases: JSON.stringify(from), to_release: to }
  await beginHold(db, { deployment_id, key_id: actor.key_id, ...hold })
  const record = (await getDeployment(db, deployment_id))!
  const after = { ...stateOf(record), automated_deploys: 'held', ...(reason !== null && { reason }) }
  await recordDeploymentChange(db, actor, 'deployment.rollback', record, { at: now, before: stateOf(before), after })
  return { record, from, to, hold: (await findHold(db, deployment_id))! }
})

/** One that is active before one that is not, in the order of the environments. */
export async function findServing(db: Db, { name, environments }: NamedDeployment): Promise<DeploymentRow> {
  const found = await findDeployments(db, name, environments)
  const first = found.find(({ status }) => status === 'active') ?? found[0]
  if (!first) throw new DeploymentNotFound({ name, searched: [...environments] })
  return first
}

async function findTarget(db: Db, { deployment_id, name, environment, last_release: last }: DeploymentRow, release: number) {
  const found = await db
    .selectFrom('releases')
    .select(['definition_digest', 'workflow_id'])
    .where('deployment_id', '=', deployment_id)
    .where('number', '=', release)
    .executeTakeFirst()
  if (!found) {
    const message = `Deployment '${name}' in '${environment}' has no release ${release}; its releases are 1 to ${last}.`
    throw new InvalidInput({ errors: [{ pointer: '/to', code: 'unknown_release', message }] })
  }
  return found
}

/** @throws NothingToRollBackTo */
async function findHealthy(db: Db, { deployment_id, name, environment, live_release: live }: DeploymentRow): Promise<number> {
  const changes = (await listRouteChanges(db, deployment_id, { limit: MOST_CHANGES })).map(({ kind, before, after }): PastRouting => ({
    kind,
    before: before === null ? [] : JSON.parse(before),
    after: JSON.parse(after),
  }))
  const unfit: UnfitRelease[] = []
  for (const release of formerReleases(changes)) {
    const reason =
      faultOf(release, changes, await countEnds(db, deployment_id, release)) ?? (await lackOf(db, deployment_id, release, environment))
    if (reason === undefined) return release
    unfit.push({ release, reason })
  }
  throw new NothingToRollBackTo({ name, environment, live, unfit: unfit.slice(0, MOST_UNFIT) })
}

/** That a message names. */
const MOST_UNFIT = 10

async function lackOf(db: Db, deploymentId: string, release: number, environment: string): Promise<string | undefined> {
  const { definition_digest } = await db
    .selectFrom('releases')
    .select('definition_digest')
    .where('deployment_id', '=', deploymentId)
    .where('number', '=', release)
    .executeTakeFirstOrThrow()
  const [missing] = await findMissing(db, definition_digest, environment)
  return missing && `lacks the ${missing.kind} ${missing.name}`
}

export interface Resumed {
  record: DeploymentRecord
  /** False where nothing held them up. */
  was_held: boolean
}

/** Lets automated deploys go on. @throws DeploymentNotFound */
export const resumeDeploys = defineCommand('deployments.resumeDeploys', async (db, resume: NamedDeployment, actor): Promise<Resumed> => {
  const { deployment_id } = await findServing(db, resume)
  const was_held = await endHold(db, deployment_id)
  const record = (await getDeployment(db, deployment_id))!
  const states = { before: { automated_deploys: 'held' }, after: { automated_deploys: 'resumed' } }
  if (was_held) await recordDeploymentChange(db, actor, 'deployment.resume_deploys', record, { at: resume.now, ...states })
  return { record, was_held }
})

export const rollbackCommands = [rollBack, resumeDeploys]
