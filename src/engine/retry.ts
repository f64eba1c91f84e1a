import { setTimeout as delay } from 'node:timers/promises'
import { AttemptFailed } from '../attempt-failed.ts'
import { InternalError, StudioError } from '../errors.ts'

const BASE_MS = 250
const CAP_MS = 30_000

/** A failed attempt, as the engine decides on it. */
export interface Failure {
  error: StudioError
  retryable: boolean
  retryAfterMs: number
}

/** @param onFault told about an error that is not in the catalogue: a fault of ours, which no retry mends */
export function toFailure(error: unknown, onFault: (error: unknown) => void): Failure {
  if (error instanceof AttemptFailed) return { error: error.error, retryable: error.retryable, retryAfterMs: error.retryAfterMs ?? 0 }
  if (error instanceof StudioError) return { error, retryable: false, retryAfterMs: 0 }
  onFault(error)
  return { error: new InternalError({}), retryable: false, retryAfterMs: 0 }
}

/**
 * Milliseconds before the retry that follows the `failed`th failure: exponential, with jitter between half and whole, so
 * that executions that failed together do not come back together; never before the provider allows (RFC 9110 §10.2.3).
 */
export function backoff(failed: number, retryAfterMs: number, random: () => number = Math.random): number {
  const exponential = Math.min(CAP_MS, BASE_MS * 2 ** (failed - 1))
  const jittered = exponential * (0.5 + random() / 2)
  return retryAfterMs > 0 ? Math.max(jittered, retryAfterMs * (1 + random() / 20)) : jittered
}

/** Resolves after `ms`, which a timer's limit does not cap. @throws the signal's reason when it is aborted */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const until = performance.now() + ms
  for (let left = ms; left > 0; left = until - performance.now()) {
    // A timer of more than 2^31-1 ms fires at once.
    await delay(Math.min(left, 2 ** 31 - 1), undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}
