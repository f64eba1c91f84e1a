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
 * several share the executions now, those that had all of them before.
 * @param changes the newest first
 */
export function formerReleases(changes: readonly PastRouting[]): number[] {
  const [newest, ...earlier] = changes
  if (!newest) return []
  const isShared = newest.after.filter(({ percent }) => percent > 0).length > 1
  const live = liveRelease(newest.after)
  const former = earlier.flatMap(({ after }) => {
    const release = liveRelease(after)
    const wasAlone = after.some(({ percent }) => percent === 100)
    return isShared ? (wasAlone ? [release] : []) : release === live ? [] : [release]
  })
  return [...new Set(former)]
}

/** Why a release is not healthy; undefined where it is. */
export function faultOf(release: number, changes: readonly PastRouting[], { completed, failed }: Ends): string | undefined {
  const lost = changes.find(({ before, after }) => partOf(before, release) > 0 && partOf(after, release) === 0)
  if (lost?.kind === 'rollback') return 'was rolled back from'
  if (lost?.kind === 'guard') return 'passed a bound of its guard'
  return failed > completed ? `failed in ${failed} of ${failed + completed} executions` : undefined
}

export function partOf(routes: readonly GivenRoute[], release: number): number {
  return routes.find((one) => one.release === release)?.percent ?? 0
}
