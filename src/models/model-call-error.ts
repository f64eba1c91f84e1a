import type { StudioError } from '../errors.ts'

/** A failed attempt at a model call. `error` is what the execution ends with if no retry succeeds. */
export class ModelCallError extends Error {
  readonly error: StudioError
  readonly retryable: boolean
  /** From `Retry-After`: no retry before so many milliseconds. */
  readonly retryAfterMs: number | undefined

  constructor(error: StudioError, options: { retryable: boolean; retryAfterMs?: number }) {
    super(error.message)
    this.name = 'ModelCallError'
    this.error = error
    this.retryable = options.retryable
    this.retryAfterMs = options.retryAfterMs
  }
}
