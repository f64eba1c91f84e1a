import { AISDKError, APICallError } from '@ai-sdk/provider'
import { AddressNotAllowed, ModelFailed, ModelRefused } from '../errors.ts'
import { AnswerTooLarge } from '../outgoing/answer-too-large.ts'
import { OutgoingError } from '../outgoing/outgoing-error.ts'
import { ModelCallError } from './model-call-error.ts'
import { errorIn, sentence } from './failure-reason.ts'
import { retryAfterMs } from '../retry-after.ts'
import type { Secrets } from './secrets.ts'

/** What is known of a failed call, before it is put into words of ours. */
interface Failure {
  reason: string
  /** Of the answer, or as the provider gave it within the stream. */
  status?: number | undefined
  /** Says aloud that a retry cannot help; where it says nothing, the status decides. */
  refused?: boolean
  /** Nobody refused, and yet a retry would end in the same way. */
  final?: boolean
  retryAfterMs?: number | undefined
}

// An error body of megabytes would hold everybody up; a sentence is made of its beginning.
const longestReason = 20_000

// Below 500 these pass with time: a timeout, a conflict, too early, too many requests.
const passing = new Set([408, 409, 425, 429])

// Errors of the SDK about what we asked, not about what came back: the same question would fail again.
const aboutTheRequest = new Set([
  'AI_InvalidArgumentError',
  'AI_InvalidPromptError',
  'AI_LoadAPIKeyError',
  'AI_LoadSettingError',
  'AI_NoSuchModelError',
  'AI_UnsupportedFunctionalityError',
])

/** Turns whatever a provider package threw, or put into its stream, into an error of ours. No configured key remains in it. */
export function callFailure(model: string, error: unknown, secrets: Secrets): ModelCallError {
  if (error instanceof OutgoingError && error.error.code === AddressNotAllowed.code) return new ModelCallError(error.error, error)
  const failure = understand(error)
  const refused = failure.refused ?? refuses(failure.status)
  const details = {
    model,
    reason: sentence(secrets.scrub(failure.reason.slice(0, longestReason))),
    ...(failure.status !== undefined && { provider_status: failure.status }),
  }
  return new ModelCallError(refused ? new ModelRefused(details) : new ModelFailed(details), {
    retryable: !refused && !failure.final,
    ...(failure.retryAfterMs !== undefined && { retryAfterMs: failure.retryAfterMs }),
  })
}

function understand(error: unknown): Failure {
  const cause = error instanceof Error ? innermost(error) : undefined
  if (error instanceof OutgoingError) return { reason: error.message, final: !error.retryable }
  if (cause instanceof AnswerTooLarge) return { reason: cause.message, final: true }
  if (APICallError.isInstance(error)) return fromAnswer(error)
  if (AISDKError.isInstance(error)) return fromSdk(error)
  if (error instanceof Error) return fromFetch(error)
  return fromStream(error)
}

function fromAnswer(error: APICallError): Failure {
  const status = error.statusCode
  // No status: the server was never reached. A good one: its answer broke off, or could not be read.
  const { message } = innermost(error)
  if (status === undefined) return { reason: error.message.includes(message) ? error.message : `${error.message}${message}` }
  if (status < 300) return { reason: `The answer broke off: ${message}` }
  if (status < 400) return { status, reason: redirection(error) }
  return {
    status,
    reason: (error.data === undefined && errorIn(error.responseBody)) || error.message || 'The provider gave no reason.',
    retryAfterMs: retryAfterMs(error.responseHeaders),
  }
}

/** The key would go along, to whomever a redirect names. */
function redirection({ message, url, responseHeaders }: APICallError): string {
  const location = responseHeaders?.['location']
  if (location === undefined) return message || 'It has no answer.'
  const target = URL.parse(location, url)
  const where = target ? target.origin + target.pathname : location
  return `It redirects to ${where}, and redirects are not followed. If that is right, set it as the base URL.`
}

function fromSdk(error: AISDKError): Failure {
  if (aboutTheRequest.has(error.name)) return { reason: error.message, refused: true }
  // These messages quote the whole part, which may be the whole answer.
  if (error.name === 'AI_JSONParseError') return { reason: `A part of the answer is not JSON: ${innermost(error).message}` }
  if (error.name === 'AI_TypeValidationError') return { reason: 'A part of the answer has a shape that is not known here.' }
  return { reason: error.message }
}

/** A key or a base URL that fetch cannot use is known before anything is sent, by nothing but these words. */
const unusable = /ByteString|header value|includes credentials|parse URL|Invalid URL/

function fromFetch(error: Error): Failure {
  if (error instanceof TypeError && unusable.test(error.message)) return { reason: error.message, refused: true }
  return { reason: innermost(error).message || error.message }
}

/** An error that came as a part of the stream: the provider's own object, or the SDK's reading of it. */
function fromStream(error: unknown): Failure {
  const { statusCode, code, type } = isRecord(error) ? error : {}
  const status = [statusCode, code].map(Number).find((one) => Number.isInteger(one) && one >= 400 && one <= 599)
  const reason = errorIn(error) ?? 'The answer broke off with an error that says nothing.'
  if (status !== undefined) return { reason, status }
  return { reason, refused: /invalid|authentication|permission|not_found|billing|context_length/.test(`${String(type)} ${String(code)}`) }
}

function refuses(status: number | undefined): boolean {
  return status !== undefined && status < 500 && !passing.has(status)
}

function innermost(error: Error): Error & { code?: unknown } {
  let inner = error
  // Bounded: nothing forbids an error to be its own cause.
  for (let depth = 0; depth < 8; depth++) {
    // A name with several addresses fails with an error for each, and says nothing itself.
    const cause: unknown = inner instanceof AggregateError ? inner.errors[0] : inner.cause
    if (!(cause instanceof Error)) break
    inner = cause
  }
  return inner
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
