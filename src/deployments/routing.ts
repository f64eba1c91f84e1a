import { BUCKETS, type Route, type Traffic } from '../engine/traffic.ts'
import { entityTag } from '../precondition.ts'
import type { DeploymentRow } from '../store/tables.ts'

/** A route as people give and see it. */
export type GivenRoute = Pick<Route, 'release' | 'percent' | 'tag'>

/** Of the routes: changes with each change of them. Ids begin with the time that they were made at. */
export function trafficTag({ deployment_id, route_change }: Pick<DeploymentRow, 'deployment_id' | 'route_change'>): string {
  return entityTag(route_change, Number.parseInt(deployment_id.replace('-', '').slice(0, 12), 16))
}

/** As it is stored, and shown. */
export function withoutBuckets(traffic: Traffic): GivenRoute[] {
  return traffic.map(plainRoute)
}

/** Without anything else, and in one order. */
export function plainRoute({ release, percent, tag }: GivenRoute): GivenRoute {
  return { release, percent, ...(tag !== undefined && { tag }) }
}

/** For people, and the trail, which would tell a list apart item by item. */
export function sayRoutes(routes: readonly GivenRoute[]): string {
  const all = routes.map(({ release, percent, tag }) => `${percent} % to release ${release}${tag === undefined ? '' : ` (${tag})`}`)
  return all.join(', ')
}

/** All executions to one release. */
export function wholly(release: number): Traffic {
  return [{ release, percent: 100, buckets: [[0, BUCKETS]] }]
}

/** @param stored null where there is no more to say than where all executions go */
export function readTraffic(stored: string | null, live: number): Traffic {
  return stored === null ? wholly(live) : (JSON.parse(stored) as Traffic)
}

/** What `readTraffic` reads. */
export function storeTraffic(traffic: Traffic): string | null {
  return traffic.length === 1 && traffic[0]!.tag === undefined ? null : JSON.stringify(traffic)
}

/** Short, since it is said in requests; no number, which would be taken for a release. */
export const routeTagPattern = '^[a-z][a-z0-9-]{0,31}$'
export const routeTagRule = 'A tag has 1 to 32 small letters, digits and hyphens, and begins with a letter.'

type Ranges = [number, number][]

/**
 * Gives each route as many buckets as its percentage says. A route keeps what it had as far as it may, and gives up what is too
 * much from its end; so exactly as many sessions move as must. In the order of the releases.
 * @param routes add up to 100
 */
export function allotBuckets(before: Traffic, routes: readonly GivenRoute[]): Traffic {
  const sorted = routes.toSorted((a, b) => a.release - b.release)
  const held = sorted.map(({ release, percent }) => {
    const ranges = before.find((one) => one.release === release)?.buckets ?? []
    return { ranges: first(ranges, bucketsOf(percent)), wanted: bucketsOf(percent) }
  })
  const free = gapsOf(held.flatMap(({ ranges }) => ranges))
  return sorted.map((route, index) => {
    const { ranges, wanted } = held[index]!
    return { ...route, buckets: joined([...ranges, ...take(free, wanted - count(ranges))]) }
  })
}

export const bucketsOf = (percent: number): number => Math.round(percent * (BUCKETS / 100))

const count = (ranges: readonly (readonly [number, number])[]): number => ranges.reduce((sum, [from, to]) => sum + to - from, 0)

/** As many buckets from the front. */
function first(ranges: readonly (readonly [number, number])[], most: number): Ranges {
  return take(
    ranges.map(([from, to]) => [from, to]),
    most,
  )
}

/** Takes so many out of the front of `free`. */
function take(free: Ranges, wanted: number): Ranges {
  const taken: Ranges = []
  for (let left = wanted; left > 0 && free.length > 0;) {
    const [from, to] = free[0]!
    const end = Math.min(to, from + left)
    taken.push([from, end])
    left -= end - from
    if (end === to) free.shift()
    else free[0] = [end, to]
  }
  return taken
}

/** What nobody has. */
function gapsOf(held: Ranges): Ranges {
  const gaps: Ranges = []
  let at = 0
  for (const [from, to] of joined(held)) {
    if (from > at) gaps.push([at, from])
    at = to
  }
  if (at < BUCKETS) gaps.push([at, BUCKETS])
  return gaps
}

function joined(ranges: Ranges): Ranges {
  const result: Ranges = []
  for (const [from, to] of ranges.toSorted(([a], [b]) => a - b)) {
    const last = result.at(-1)
    if (last && last[1] === from) last[1] = to
    else result.push([from, to])
  }
  return result
}
