import type { Verdict } from '../engine/guard.ts'
import type { GivenRoute } from './routing.ts'

/** A release that passed a bound. */
export interface PassedRelease {
  release: number
  /** The release that its part of the executions goes to. */
  back_to: number
  verdict: Verdict
}

/** The routes without the part of releases that passed a bound. One that has a tag can still be called by it. */
export function moveBack(routes: readonly GivenRoute[], passed: readonly PassedRelease[]): GivenRoute[] {
  const gained = (release: number): number =>
    passed.filter(({ back_to }) => back_to === release).reduce((sum, one) => sum + percentOf(routes, one.release), 0)
  return routes.flatMap((route): GivenRoute[] => {
    if (!passed.some(({ release }) => release === route.release))
      return [{ ...route, percent: rounded(route.percent + gained(route.release)) }]
    return route.tag === undefined ? [] : [{ ...route, percent: 0 }]
  })
}

function percentOf(routes: readonly GivenRoute[], release: number): number {
  return routes.find((route) => route.release === release)?.percent ?? 0
}

/** Of percentages, whose sum in binary may be a little beside itself. */
function rounded(percent: number): number {
  return Math.round(percent * 100) / 100
}

/** For whoever asks why. */
export function sayVerdict({ release, back_to, verdict }: PassedRelease): string {
  return `Release ${release} passed ${verdict.bound}: ${figures(verdict)} Its executions go to release ${back_to} again.`
}

function figures({ bound, allowed, counted, samples }: Verdict): string {
  const of = `${samples} ${samples === 1 ? 'execution' : 'executions'}`
  if (bound === 'max_error_rate') return `${counted} of ${of} failed, and ${rounded(allowed * 100)} % may.`
  if (bound === 'max_p95_ms') return `${counted} of ${of} ran for more than ${allowed} ms, and 5 % may.`
  return `${of} cost ${counted.toPrecision(4)} dollars, and ${allowed} each is the most.`
}
