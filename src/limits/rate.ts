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

export interface Charge {
  state: RateState
  /** What is to be kept: when nothing of the limit is used any more. Undefined when the request was refused, which changes nothing. */
  fullAt?: number
}

/**
 * The generic cell rate algorithm (ITU-T I.371): a bucket of `requests` that fills at an even pace, of which only the time
 * needs to be known at which it is full. Any `seconds` may so take up to twice `requests`, once after a rest.
 * @param fullAt as it was kept; undefined for a limit of which nothing was used yet
 * @param now milliseconds, by the clock that `fullAt` goes by
 */
export function chargeRate(limit: RateLimit, fullAt: number | undefined, now: number): Charge {
  const window = limit.seconds * 1_000
  const each = window / limit.requests
  // A clock that was set back, or a limit that was lowered, must not close the bucket for longer than it takes to fill.
  const before = Math.min(Math.max(fullAt ?? now, now), now + window)
  const after = before + each
  if (after > now + window + TOLERANCE_MS) return { state: stateOf(limit, before, now) }
  return { state: stateOf(limit, after, now), fullAt: after }
}

/** Gives back what a charge took. */
export function refundRate(limit: RateLimit, fullAt: number): number {
  return fullAt - (limit.seconds * 1_000) / limit.requests
}

/** Sums of fractions are not exact. */
const TOLERANCE_MS = 1e-3

function stateOf(limit: RateLimit, fullAt: number, now: number): RateState {
  const window = limit.seconds * 1_000
  const each = window / limit.requests
  const remaining = Math.max(0, Math.floor((window - (fullAt - now) + TOLERANCE_MS) / each))
  const wait = remaining > 0 ? fullAt - now : fullAt + each - (now + window)
  return { ...limit, remaining, reset: Math.max(1, Math.ceil(wait / 1_000)) }
}
