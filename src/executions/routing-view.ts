import type { Reach } from '../access/caller.ts'
import { findRelease } from '../deployments/release-list-repository.ts'
import { toReleaseView, type ReleaseView } from '../deployments/release-view.ts'
import { findRouteChange } from '../deployments/routing-repository.ts'
import type { GivenRoute } from '../deployments/routing.ts'
import { toRouteChangeView, type RouteChangeView } from '../deployments/traffic-view.ts'
import { isTest } from '../engine/draft.ts'
import type { AskedRoute } from '../engine/journal.ts'
import type { Db } from '../store/store.ts'
import type { ExecutionRow } from '../store/tables.ts'

/** Why an execution ran what it ran. */
export interface RoutingView {
  release: Omit<ReleaseView, 'live' | 'traffic' | 'runtime_config'>
  /** `live`: it asked for a workflow, which the live release is of and another that it would have had is not. */
  chosen_by: 'only_route' | 'session' | 'lot' | 'release' | 'tag' | 'live'
  /** The route that it took, as it was then. */
  route: GivenRoute | null
  bucket: number | null
  change: RouteChangeView | null
}

/**
 * Null for what runs no release, or whose deployment is gone.
 * @param reach of whoever asks
 */
export async function routingOf(db: Db, reach: Reach, execution: ExecutionRow): Promise<RoutingView | null> {
  if (isTest(execution)) return null
  const { deployment_id, release_number, route_change, bucket, asked_route } = execution
  const record = await findRelease(db, deployment_id, release_number)
  if (!record) return null
  const { live: _live, traffic: _traffic, runtime_config: _config, ...release } = toReleaseView(record, reach)
  const row = route_change === null ? undefined : await findRouteChange(db, deployment_id, route_change)
  const change = row ? toRouteChangeView(row) : null
  const routes = change?.after ?? []
  const asked = asked_route === null ? undefined : (JSON.parse(asked_route) as AskedRoute)
  return {
    release,
    chosen_by: choiceOf(execution, asked, routes.length),
    route: routes.find((route) => route.release === release_number) ?? null,
    bucket,
    change,
  }
}

function choiceOf({ bucket, session_id }: ExecutionRow, asked: AskedRoute | undefined, routes: number): RoutingView['chosen_by'] {
  if (asked) return 'tag' in asked ? 'tag' : 'release'
  if (bucket !== null) return session_id === null ? 'lot' : 'session'
  return routes > 1 ? 'live' : 'only_route'
}
