import { toTimestamp } from '../clock.ts'
import { sampleOf, type Counts, type Sample } from '../engine/guard.ts'
import type { GuardRow, RouteChangeRow } from '../store/tables.ts'
import type { GivenRoute } from './routing.ts'
import { guardOf, type Guard, type ServedTraffic } from './traffic-repository.ts'

export interface RouteChangeView {
  number: number
  at: string
  kind: RouteChangeRow['kind']
  by: string | null
  reason: string | null
  before: GivenRoute[] | null
  after: GivenRoute[]
}

export function toRouteChangeView({ number, at, kind, by, reason, before, after }: RouteChangeRow): RouteChangeView {
  return {
    number,
    at: toTimestamp(at),
    kind,
    by,
    reason,
    before: before === null ? null : (JSON.parse(before) as GivenRoute[]),
    after: JSON.parse(after) as GivenRoute[],
  }
}

export interface GuardView extends Guard {
  watched: ({ release: number } & Sample)[]
}

function toGuardView(guards: readonly GuardRow[]): GuardView | null {
  const [first] = guards
  if (!first) return null
  const watched = guards.map(({ release_number, counts }) => ({ release: release_number, ...sampleOf(JSON.parse(counts) as Counts) }))
  return { ...guardOf(first), watched }
}

export interface RouteView extends GivenRoute {
  digest: string
  in_flight: number
}

export interface TrafficView {
  deployment_id: string
  deployment_name: string
  environment: string
  status: 'active' | 'inactive'
  live: number
  routes: RouteView[]
  guard: GuardView | null
  change: RouteChangeView
}

export function toTrafficView({ deployment, routes, guards, change }: ServedTraffic): TrafficView {
  return {
    deployment_id: deployment.deployment_id,
    deployment_name: deployment.name,
    environment: deployment.environment,
    status: deployment.status,
    live: deployment.live_release,
    routes,
    guard: toGuardView(guards),
    change: toRouteChangeView(change),
  }
}
