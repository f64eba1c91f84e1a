import type { LimitState } from '../errors.ts'

/** So many requests in so many seconds: whole numbers from 1 on. */
export interface RateLimit {
  requests: number
  seconds: number
}

/** What an API key may take of the server; null: as much as there is. */
export interface KeyLimits {
  /** Of requests. */
  rate_limit: RateLimit | null
  /** Executions that are queued or running. */
  concurrency: number | null
}

export const noLimits: KeyLimits = { rate_limit: null, concurrency: null }

/** How it stands with a limit. */
export interface RateState extends RateLimit {
  /** Requests that would be taken now. */
  remaining: number
  /** Whole seconds until all of them are there again; when none remains, until the next one is. */
  reset: number
}

/** As answers tell it. @param policy which limit it is */
export function toLimitState(policy: string, { requests, seconds, remaining, reset }: RateState): LimitState {
  return { policy, quota: requests, window: seconds, remaining, reset }
}

/** What is kept of a limit. */
export interface Bucket {
  /** When nothing of it is used any more. */
  full_at: number
  /** The time that one request takes to come back, when it was used: the limit may be another since. */
  each_ms: number
}

export interface Charge {
  state: RateState
  /** What is to be kept. Undefined when the request was refused, which changes nothing. */
  bucket?: Bucket
}

/**
 * The generic cell rate algorithm (ITU-T I.371): a bucket of `requests` that fills at an even pace, of which only the time
 * needs to be known at which it is full. Any `seconds` may so take up to twice `requests`, once after a rest.
 * @param bucket as it was kept; undefined where nothing was used yet
 * @param now milliseconds, by the clock that the bucket goes by
 */
export function chargeRate(limit: RateLimit, bucket: Bucket | undefined, now: number): Charge {
  const each = eachMs(limit)
  // Not more than all, or a clock that was set back, or a limit that was lowered, would close it for long.
  const used = bucket ? Math.min(Math.max(0, (bucket.full_at - now) / bucket.each_ms), limit.requests) : 0
  if (used + 1 > limit.requests + TOLERANCE) return { state: stateOf(limit, used) }
  return { state: stateOf(limit, used + 1), bucket: { full_at: now + (used + 1) * each, each_ms: each } }
}

/** Gives back what a charge took. */
export function refundRate({ full_at, each_ms }: Bucket): Bucket {
  return { full_at: full_at - each_ms, each_ms }
}

/** Sums of fractions are not exact. */
const TOLERANCE = 1e-6

function eachMs({ requests, seconds }: RateLimit): number {
  return (seconds * 1_000) / requests
}

/** @param used requests, and the part of one that is not back yet */
function stateOf(limit: RateLimit, used: number): RateState {
  const remaining = Math.max(0, Math.floor(limit.requests - used + TOLERANCE))
  const wait = (remaining > 0 ? used : used + 1 - limit.requests) * eachMs(limit)
  return { ...limit, remaining, reset: Math.max(1, Math.ceil(wait / 1_000 - TOLERANCE)) }
}
