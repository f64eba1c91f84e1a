import { hash } from 'node:crypto'

/** How a deployment divides its executions among releases. */
export type Traffic = readonly Route[]

export interface Route {
  release: number
  /** Of the executions that name no release, with at most two decimals; those of one deployment add up to 100. */
  percent: number
  /** A name that an execution can ask for, also at 0 %. */
  tag?: string
  /** The buckets that lead here, as ranges: from the first of each pair to before the second. */
  buckets: readonly (readonly [number, number])[]
}

/** One is a hundredth of a percent. */
export const BUCKETS = 10_000

/**
 * The same for all executions of a session, so they stay on one release; executions without a session have their own ids for a key,
 * which fall as if by lot. It is the first 32 bits of the SHA-256 of both, as a number, modulo 10,000. 1 µs.
 * @param deployment_id so that a session that is among the first to see a canary here need not be everywhere
 */
export function bucketOf(deployment_id: string, key: string): number {
  return Number.parseInt(hash('sha256', `${deployment_id}\n${key}`).slice(0, 8), 16) % BUCKETS
}

/** Every bucket leads somewhere. */
export function routeOfBucket(traffic: Traffic, bucket: number): Route {
  return traffic.find(({ buckets }) => buckets.some(([from, to]) => bucket >= from && bucket < to)) ?? traffic[0]!
}

/** The one with the largest part, the older of two that have the same. Its limits hold for the whole deployment. */
export function liveRelease(routes: readonly Pick<Route, 'release' | 'percent'>[]): number {
  return routes.reduce((live, route) =>
    route.percent > live.percent || (route.percent === live.percent && route.release < live.release) ? route : live,
  ).release
}
