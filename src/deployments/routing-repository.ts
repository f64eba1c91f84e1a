import { liveRelease } from '../engine/traffic.ts'
import type { Actor } from '../store/origin.ts'
import type { Db } from '../store/store.ts'
import type { RouteChangeRow } from '../store/tables.ts'
import { allotBuckets, readTraffic, storeTraffic, withoutBuckets, wholly, type GivenRoute } from './routing.ts'

export interface RouteChange {
  kind: RouteChangeRow['kind']
  at: number
  actor: Actor
  /** Who is said to do it; without it, the actor's name. */
  by?: string | null | undefined
  /** Why; for those who look at it later. */
  reason?: string | null | undefined
}

/**
 * Sends the executions of a deployment along these routes from now on, all to one release where that is given, and writes down who
 * did so and why. It ends whatever guard there was. In the transaction of the change; whoever calls it checks that the releases are there, that the
 * percentages add up to 100, records the change in the trail, and calls `dispatcher.heedDeployment` after the commit.
 * @returns the number of the change in the history of the deployment
 */
export async function replaceRoutes(
  db: Db,
  deployment_id: string,
  to: number | readonly GivenRoute[],
  { kind, at, actor, by, reason }: RouteChange,
): Promise<number> {
  const { live_release, traffic, route_change } = await db
    .selectFrom('deployments')
    .select(['live_release', 'traffic', 'route_change'])
    .where('deployment_id', '=', deployment_id)
    .executeTakeFirstOrThrow()
  const before = route_change === 0 ? [] : readTraffic(traffic, live_release)
  const after = typeof to === 'number' ? wholly(to) : allotBuckets(before, to)
  const number = route_change + 1
  const live = liveRelease(after)
  await db
    .updateTable('deployments')
    .set(({ selectFrom }) => ({
      live_release: live,
      traffic: storeTraffic(after),
      route_change: number,
      // Who names a workflow means the release that is live.
      workflow_id: selectFrom('releases').select('workflow_id').where('deployment_id', '=', deployment_id).where('number', '=', live),
    }))
    .where('deployment_id', '=', deployment_id)
    .execute()
  await db.deleteFrom('guards').where('deployment_id', '=', deployment_id).execute()
  await db.deleteFrom('routes').where('deployment_id', '=', deployment_id).execute()
  await db
    .insertInto('routes')
    .values(after.map(({ release, percent, tag = null }) => ({ deployment_id, release_number: release, percent, tag })))
    .execute()
  await db
    .insertInto('route_changes')
    .values({
      deployment_id,
      number,
      at,
      kind,
      by: by ?? actor.name,
      key_id: actor.key_id,
      reason: reason ?? null,
      before: before.length === 0 ? null : JSON.stringify(withoutBuckets(before)),
      after: JSON.stringify(withoutBuckets(after)),
    })
    .execute()
  return number
}

/** The newest first. @param before the number of a change that is not among them */
export function listRouteChanges(
  db: Db,
  deployment_id: string,
  page: { before?: number | undefined; limit: number },
): Promise<RouteChangeRow[]> {
  let query = db.selectFrom('route_changes').selectAll().where('deployment_id', '=', deployment_id)
  if (page.before !== undefined) query = query.where('number', '<', page.before)
  return query.orderBy('number', 'desc').limit(page.limit).execute()
}

export function findRouteChange(db: Db, deployment_id: string, number: number): Promise<RouteChangeRow | undefined> {
  return db
    .selectFrom('route_changes')
    .selectAll()
    .where('deployment_id', '=', deployment_id)
    .where('number', '=', number)
    .executeTakeFirst()
}
