import { AttemptFailed } from '../../attempt-failed.ts'
import { HttpStepFailed } from '../../errors.ts'
import type { Answer } from '../../outgoing/answer.ts'
import { retryAfterMs } from '../../retry-after.ts'
import type { Scrubber } from '../../secrets/scrubber.ts'

/** What may be otherwise the next time; all else is the same however often it is asked (RFC 9110 §15.5, §15.6). */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504])

/** Of a body, for the message. Characters. */
const EXCERPT = 200

/**
 * @param asked as it may be shown
 * @param scrubber what hides the secrets of the environment: a server may quote them, and one that is cut in two is found by nobody later
 */
export async function answerFailure(
  answer: Answer,
  asked: { method: string; url: string; id: string },
  scrubber: Scrubber | undefined,
): Promise<AttemptFailed> {
  const text = await answer.text().catch(() => '')
  const excerpt = (scrubber?.excerpt(text, EXCERPT) ?? text.slice(0, EXCERPT)).trim()
  const { method, url, id: step_id } = asked
  const error = new HttpStepFailed({ step_id, method, url, answer_status: answer.status, ...(excerpt !== '' && { excerpt }) })
  return new AttemptFailed(error, { retryable: PASSING.has(answer.status), retryAfterMs: retryAfterMs(answer.headers) })
}
