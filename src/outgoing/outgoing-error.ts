import { AttemptFailed } from '../attempt-failed.ts'

/** A failed attempt to ask another server. */
export class OutgoingError extends AttemptFailed {
  override readonly name = 'OutgoingError'
}
