import { AttemptFailed } from '../attempt-failed.ts'
import { ToolFailed } from '../errors.ts'

/** A call that would fail the same way however often it is made. */
export function refused(reason: string): AttemptFailed {
  return new AttemptFailed(new ToolFailed({ reason }), { retryable: false })
}
