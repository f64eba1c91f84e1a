import { DeploymentInactive, DeploymentNotFound, InvalidInput, type Issue } from '../errors.ts'
import { judge, NO_COUNTS, type Bounds, type Counts } from '../engine/guard.ts'
import { inFlightOfReleases } from '../executions/statistics-repository.ts'
import { checkPrecondition, type Precondition } from '../precondition.ts'
import { findMissing } from '../secrets/reference-repository.ts'
import { defineCommand, type Db } from '../store/store.ts'
import type { DeploymentRow, GuardRow, RouteChangeRow } from '../store/tables.ts'
import { recordDeploymentChange } from './audited.ts'
import { findDeployments, type NamedDeployment } from './repository.ts'
import { findRouteChange, replaceRoutes } from './routing-repository.ts'
import { plainRoute, readTraffic, sayRoutes, trafficTag, withoutBuckets, type GivenRoute } from './routing.ts'
import { moveBack, sayVerdict, type PassedRelease } from './withdrawal.ts'

/** What brings a part of the executions back by itself. */
export interface Guard extends Bounds {
  /** The release that they go back to. */
  back_to: number
}

export interface SetTraffic extends NamedDeployment {
  precondition: Precondition
  routes: readonly GivenRoute[]
  guard?: (Bounds & { back_to?: number }) | undefined
  reason?: string | undefined
}

export interface TrafficChange {
  deployment_id: string
  unchanged: boolean
}

/**
 * Divides the executions of the first active deployment of that name from the next one on. What is in flight stays where it is.
 * @throws DeploymentNotFound, DeploymentInactive, PreconditionFailed, InvalidInput for releases that it does not have
 */
export const setTraffic = defineCommand('deployments.setTraffic', async (db, asked: SetTraffic, actor): Promise<TrafficChange> => {
  const deployment = await findActive(db, asked)
  const { deployment_id } = deployment
  checkPrecondition(asked.precondition, trafficTag(deployment))
  const before = withoutBuckets(readTraffic(deployment.traffic, deployment.live_release))
  const routes = asked.routes.map(exactRoute).toSorted((a, b) => a.release - b.release)
  await checkReleases(db, deployment, asked.routes)
  const guards = await listGuards(db, deployment_id)
  const held = guards[0]
  const guard = asked.guard && completed(routes, asked.guard)
  const states = {
    before: { traffic: sayRoutes(before), guard: held ? guardOf(held) : null },
    after: { traffic: sayRoutes(routes), guard: guard ?? null },
  }
  if (isSame(states.before, states.after)) return { deployment_id, unchanged: true }
  await replaceRoutes(db, deployment_id, routes, { kind: 'traffic', at: asked.now, actor, reason: asked.reason })
  if (guard) await insertGuards(db, deployment_id, guard, routes)
  const { reason } = asked
  const after = { ...states.after, ...(reason !== undefined && { reason }) }
  await recordDeploymentChange(db, actor, 'deployment.traffic', deployment, { at: asked.now, before: states.before, after })
  return { deployment_id, unchanged: false }
})

/** What is beyond two decimals is the noise of binary numbers, and no part of anything. */
function exactRoute(route: GivenRoute): GivenRoute {
  return { ...plainRoute(route), percent: Math.round(route.percent * 100) / 100 }
}

async function findActive(db: Db, { name, environments }: NamedDeployment): Promise<DeploymentRow> {
  const found = await findDeployments(db, name, environments)
  const active = found.find(({ status }) => status === 'active')
  if (active) return active
  if (found[0]) throw new DeploymentInactive({ name, environment: found[0].environment })
  throw new DeploymentNotFound({ name, searched: [...environments] })
}

async function checkReleases(
  db: Db,
  { deployment_id, name, environment, last_release }: DeploymentRow,
  routes: readonly GivenRoute[],
): Promise<void> {
  const found = await db
    .selectFrom('releases')
    .select(['number', 'definition_digest'])
    .where('deployment_id', '=', deployment_id)
    .where(
      'number',
      'in',
      routes.map(({ release }) => release),
    )
    .execute()
  const errors: Issue[] = []
  for (const [index, { release }] of routes.entries()) {
    const pointer = `/routes/${index}/release`
    const known = found.find(({ number }) => number === release)
    if (!known) {
      const message = `Deployment '${name}' in '${environment}' has no release ${release}; its releases are 1 to ${last_release}.`
      errors.push({ pointer, code: 'unknown_release', message })
      continue
    }
    for (const { kind, name: missing } of await findMissing(db, known.definition_digest, environment)) {
      const message = `Release ${release} needs the ${kind} '${missing}', which environment '${environment}' does not have any more.`
      errors.push({ pointer, code: kind === 'secret' ? 'unknown_secret' : 'unknown_variable', message })
    }
  }
  if (errors.length > 0) throw new InvalidInput({ errors })
}

/** @throws InvalidInput */
function completed(routes: readonly GivenRoute[], { back_to = usualReturn(routes), ...bounds }: Bounds & { back_to?: number }): Guard {
  const isRouted = routes.some(({ release }) => release === back_to)
  const guard = { ...inOrder(bounds), back_to }
  if (isRouted && watchedBy(guard, routes).length > 0) return guard
  const message = isRouted
    ? `No executions go to any release but ${back_to}, so there is nothing to watch.`
    : `No route leads to release ${back_to}, so executions cannot go back there.`
  throw new InvalidInput({ errors: [{ pointer: '/guard/back_to', code: 'not_allowed', message }] })
}

/** Back is to what was there before: the oldest release that has a part, or had one where another has all. */
function usualReturn(routes: readonly GivenRoute[]): number {
  const used = routes.filter(({ percent }) => percent > 0)
  return Math.min(...(used.length > 1 ? used : routes).map(({ release }) => release))
}

function watchedBy({ back_to }: Guard, routes: readonly GivenRoute[]): GivenRoute[] {
  return routes.filter(({ release, percent }) => release !== back_to && percent > 0)
}

/** Two guards that say the same are written the same. */
function inOrder({ max_error_rate, max_p95_ms, max_cost, min_samples }: Bounds): Bounds {
  return {
    ...(max_error_rate !== undefined && { max_error_rate }),
    ...(max_p95_ms !== undefined && { max_p95_ms }),
    ...(max_cost !== undefined && { max_cost }),
    min_samples,
  }
}

async function insertGuards(db: Db, deployment_id: string, guard: Guard, routes: readonly GivenRoute[]): Promise<void> {
  const { back_to, ...bounds } = guard
  const rows = watchedBy(guard, routes).map(({ release: release_number }) => ({
    deployment_id,
    release_number,
    back_to,
    bounds: JSON.stringify(bounds),
    counts: JSON.stringify(NO_COUNTS),
  }))
  await db.insertInto('guards').values(rows).execute()
}

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

export function listGuards(db: Db, deployment_id: string): Promise<GuardRow[]> {
  return db.selectFrom('guards').selectAll().where('deployment_id', '=', deployment_id).orderBy('release_number').execute()
}

export function guardOf({ bounds, back_to }: GuardRow): Guard {
  return { ...(JSON.parse(bounds) as Bounds), back_to }
}

/** Whether anything is watched at all. */
export async function anyGuards(db: Db): Promise<boolean> {
  return (await db.selectFrom('guards').select('deployment_id').limit(1).executeTakeFirst()) !== undefined
}

export interface ServedTraffic {
  deployment: DeploymentRow
  routes: (GivenRoute & { digest: string; in_flight: number })[]
  guards: GuardRow[]
  /** The newest. */
  change: RouteChangeRow
}

/** As of one moment, but for what is in flight. */
export async function servedTraffic(db: Db, deployment: DeploymentRow): Promise<ServedTraffic> {
  const { deployment_id, route_change } = deployment
  const routes = withoutBuckets(readTraffic(deployment.traffic, deployment.live_release))
  const digests = await db
    .selectFrom('releases')
    .select(['number', 'digest'])
    .where('deployment_id', '=', deployment_id)
    .where(
      'number',
      'in',
      routes.map(({ release }) => release),
    )
    .execute()
  const inFlight = await inFlightOfReleases(db, deployment_id)
  const change = await findRouteChange(db, deployment_id, route_change)
  // Deleted since it was found.
  if (!change) throw new DeploymentNotFound({ name: deployment.name, searched: [deployment.environment] })
  return {
    deployment,
    routes: routes.map((route) => ({
      ...route,
      digest: digests.find(({ number }) => number === route.release)!.digest,
      in_flight: inFlight.get(route.release) ?? 0,
    })),
    guards: await listGuards(db, deployment_id),
    change,
  }
}

export interface Withdraw {
  /** Undefined: all deployments. */
  deployment_id?: string
  now: number
}

/**
 * Sends the executions of releases that passed a bound back to where they came from, and writes down why. A deployment that is
 * stopped keeps its traffic, which a reactivation brings back as it was.
 * @returns the deployments that it happened to
 */
export const withdrawReleases = defineCommand(
  'deployments.withdraw',
  async (db, { deployment_id, now }: Withdraw, actor): Promise<string[]> => {
    let query = db
      .selectFrom('deployments as d')
      .selectAll('d')
      .where('d.status', '=', 'active')
      .where(({ exists, selectFrom }) =>
        exists(selectFrom('guards').select('guards.deployment_id').whereRef('guards.deployment_id', '=', 'd.deployment_id')),
      )
    if (deployment_id !== undefined) query = query.where('d.deployment_id', '=', deployment_id)
    const withdrawn: string[] = []
    for (const deployment of await query.execute()) {
      const guards = await listGuards(db, deployment.deployment_id)
      const passed = guards.flatMap((guard): PassedRelease[] => {
        const verdict = judge(JSON.parse(guard.counts) as Counts, JSON.parse(guard.bounds) as Bounds)
        return verdict ? [{ release: guard.release_number, back_to: guard.back_to, verdict }] : []
      })
      if (passed.length === 0) continue
      const before = withoutBuckets(readTraffic(deployment.traffic, deployment.live_release))
      const traffic = moveBack(before, passed)
      const reason = passed.map(sayVerdict).join(' ')
      const id = deployment.deployment_id
      await replaceRoutes(db, id, traffic, { kind: 'guard', at: now, actor, reason })
      const left = guards.filter(({ release_number }) => !passed.some(({ release }) => release === release_number))
      if (left.length > 0) await db.insertInto('guards').values(left).execute()
      const after = { traffic: sayRoutes(traffic), reason, passed }
      await recordDeploymentChange(db, actor, 'deployment.guard', deployment, { at: now, before: { traffic: sayRoutes(before) }, after })
      withdrawn.push(id)
    }
    return withdrawn
  },
)

export const trafficCommands = [setTraffic, withdrawReleases]
