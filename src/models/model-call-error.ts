import { AttemptFailed } from '../attempt-failed.ts'

/** A failed attempt at a model call. */
export class ModelCallError extends AttemptFailed {
  override readonly name = 'ModelCallError'
}
