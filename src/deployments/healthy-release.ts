import { liveRelease } from '../engine/traffic.ts'
import type { UnfitRelease } from '../errors.ts'
import type { RouteChangeRow } from '../store/tables.ts'
import type { GivenRoute } from './routing.ts'

/** A change of the routes, as far as it tells what was healthy. */
export interface PastRouting {
  kind: RouteChangeRow['kind']
  before: readonly GivenRoute[]
  after: readonly GivenRoute[]
}

/** How the executions of a release ended. */
export interface Ends {
  completed: number
  failed: number
}

export interface Search {
  /** Undefined where none is fit. */
  release: number | undefined
  /** Those that were passed over on the way, the latest first. */
  unfit: UnfitRelease[]
}

/**
 * The releases that a rollback without a target may go to, the latest first: those that were live before what serves now. Where
 * several share the executions now, the oldest of them, and then those that have no part: every release had all executions when it
 * was deployed, also the one that is being tried.
 * @param changes the newest first
 */
export function formerReleases(changes: readonly PastRouting[]): number[] {
  const [newest, ...earlier] = changes
  if (!newest) return []
  const serving = newest.after.flatMap(({ release, percent }) => (percent > 0 ? [release] : []))
  const former = earlier.map(({ after }) => liveRelease(after)).filter((release) => !serving.includes(release))
  return [...new Set(serving.length > 1 ? [Math.min(...serving), ...former] : former)]
}

/** Why a release is not healthy; undefined where it is. */
export function faultOf(release: number, changes: readonly PastRouting[], { completed, failed }: Ends): string | undefined {
  const lost = changes.find(({ before, after }) => partOf(before, release) > 0 && partOf(after, release) === 0)
  if (lost?.kind === 'rollback') return 'was rolled back from'
  if (lost?.kind === 'guard') return 'passed a bound of its guard'
  if (lost?.kind === 'traffic' && liveRelease(lost.after) < release) return `gave its executions back to release ${liveRelease(lost.after)}`
  return failed > completed ? `failed in ${failed} of ${failed + completed} executions` : undefined
}

export function partOf(routes: readonly GivenRoute[], release: number): number {
  return routes.find((one) => one.release === release)?.percent ?? 0
}
