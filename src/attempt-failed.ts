import type { StudioError } from './errors.ts'

/** An attempt at something outside failed. `error` is what the execution ends with if no retry succeeds. */
export class AttemptFailed extends Error {
  readonly error: StudioError
  readonly retryable: boolean
  /** From `Retry-After`: no retry before so many milliseconds. */
  readonly retryAfterMs: number | undefined

  constructor(error: StudioError, options: { retryable: boolean; retryAfterMs?: number | undefined }) {
    super(error.message)
    this.name = 'AttemptFailed'
    this.error = error
    this.retryable = options.retryable
    this.retryAfterMs = options.retryAfterMs
  }
}
