import { defineError, type StepFailure } from './catalogue.ts'

interface OutgoingFailure extends StepFailure {
  /** Whom the workflow asked, as `https://api.example.com`: the rest of a URL may be secret. */
  origin: string
  /** It failed where a redirect led to, which the workflow has not written. */
  redirected?: boolean
}

const whom = (d: OutgoingFailure): string => (d.redirected ? `A redirect of '${d.origin}'` : `'${d.origin}'`)

export const OutgoingRequestInvalid = defineError(
  'outgoing_request_invalid',
  502,
  'The request cannot be sent',
  (d: StepFailure & { reason: string }) => d.reason,
  ['execution_id', 'step_id'],
)

export const AddressNotAllowed = defineError(
  'address_not_allowed',
  502,
  'Workflows may not reach this address',
  (d: OutgoingFailure) =>
    `${whom(d)} leads to an address that is not public, and workflows reach no other. Whoever runs the server can list it in AGENT_STUDIO_PRIVATE_ADDRESSES.`,
  ['execution_id', 'step_id'],
)

export const RedirectNotFollowed = defineError(
  'redirect_not_followed',
  502,
  'The redirect was not followed',
  (d: OutgoingFailure & { reason: string }) => `${whom(d)} redirects, and that was not followed: ${d.reason}`,
  ['execution_id', 'step_id'],
)

export const OutgoingFailed = defineError(
  'outgoing_failed',
  502,
  'The other server could not be asked',
  (d: OutgoingFailure & { reason: string }) => `${whom(d)} could not be asked: ${d.reason}`,
  ['execution_id', 'step_id'],
)

export const OutgoingTimedOut = defineError(
  'outgoing_timeout',
  504,
  'The other server took too long',
  (d: OutgoingFailure & { seconds: number; phase: 'connection' | 'beginning' | 'end' }) =>
    `${whom(d)} took longer than ${d.seconds} ${d.seconds === 1 ? 'second' : 'seconds'}, which is the limit ${
      { connection: 'for a connection', beginning: 'for the beginning of an answer', end: 'for a whole answer' }[d.phase]
    }.`,
  ['execution_id', 'step_id'],
)

export const OutgoingAnswerTooLarge = defineError(
  'answer_too_large',
  502,
  'The answer of the other server is too large',
  (d: OutgoingFailure & { reason: string }) => `${whom(d)} answered with too much: ${d.reason}`,
  ['execution_id', 'step_id'],
)

export const OutgoingAnswerUnreadable = defineError(
  'answer_unreadable',
  502,
  'The answer of the other server cannot be read',
  (d: OutgoingFailure & { reason: string }) => `${whom(d)} gave an answer that cannot be read: ${d.reason}`,
  ['execution_id', 'step_id'],
)
