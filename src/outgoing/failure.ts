import {
  AddressNotAllowed,
  OutgoingAnswerTooLarge,
  OutgoingAnswerUnreadable,
  OutgoingFailed,
  OutgoingRequestInvalid,
  OutgoingTimedOut,
} from '../errors.ts'
import { AnswerTooLarge } from './answer-too-large.ts'
import { AddressNotPermitted, ConnectTimeout } from './connect.ts'
import { AnswerNotUnpacked } from './exchange.ts'
import { OutgoingError } from './outgoing-error.ts'

/** Whom somebody wants to call. */
export interface Asked {
  /** `https://api.example.com` */
  origin: string
  /** By way of a redirect. */
  redirected?: boolean
}

/**
 * Turns what undici, Node or a decoder has thrown into an error of ours. Their own words are not used where an address could
 * be among them: to which address a name or a redirect leads is nobody's business who did not write it.
 * @param asked by the caller, as messages show it
 */
export function outgoingError(error: unknown, asked: Asked): OutgoingError {
  if (error instanceof OutgoingError) return error
  if (error instanceof AddressNotPermitted) return final(new AddressNotAllowed(asked))
  if (error instanceof ConnectTimeout)
    return new OutgoingError(new OutgoingTimedOut({ ...asked, seconds: error.ms / 1_000, phase: 'connection' }), { retryable: true })
  const { name, code, message } = detailsOf(error)
  if (error instanceof AnswerTooLarge) return final(new OutgoingAnswerTooLarge({ ...asked, reason: message }))
  if (error instanceof AnswerNotUnpacked) return final(new OutgoingAnswerUnreadable({ ...asked, reason: message }))
  if (name === 'HTTPParserError' || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH' || message === 'bad upgrade')
    return final(new OutgoingAnswerUnreadable({ ...asked, reason: 'it is not as HTTP has it.' }))
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return final(new OutgoingAnswerTooLarge({ ...asked, reason: 'its headers are too large.' }))
  if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED')
    return final(new OutgoingRequestInvalid({ reason: `The request to '${asked.origin}' cannot be sent: ${message}.` }))
  const certificate = untrusted(code)
  if (certificate) return final(new OutgoingFailed({ ...asked, reason: certificate }))
  if (code === 'ENOTFOUND') return final(new OutgoingFailed({ ...asked, reason: 'there is no host of that name.' }))
  return new OutgoingError(new OutgoingFailed({ ...asked, reason: passing[code] ?? 'the connection broke off.' }), { retryable: true })
}

/** What may be otherwise the next time. */
const passing: Record<string, string> = {
  EAI_AGAIN: 'its name cannot be looked up just now.',
  ECONNREFUSED: 'it refused the connection.',
  EHOSTUNREACH: 'there is no way to it.',
  ENETUNREACH: 'there is no way to it.',
  ETIMEDOUT: 'it did not answer.',
}

/** A certificate that does not prove who it is, or no TLS at all. */
function untrusted(code: string): string | undefined {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'its certificate is for another name.'
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') return 'its certificate is not valid now.'
  if (/^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT)|_CERT|ISSUER/.test(code))
    return `its certificate is not trusted (${code}). NODE_EXTRA_CA_CERTS names a file with further authorities.`
  return /^(ERR_SSL_|EPROTO$)/.test(code) ? 'it does not speak TLS as it should.' : undefined
}

function final(error: ConstructorParameters<typeof OutgoingError>[0]): OutgoingError {
  return new OutgoingError(error, { retryable: false })
}

/** A name with several addresses fails with an error for each, and says nothing itself. */
function detailsOf(error: unknown): { name: string; code: string; message: string } {
  const one: unknown = error instanceof AggregateError ? (error.errors[0] ?? error) : error
  if (!(one instanceof Error)) return { name: '', code: '', message: '' }
  const { code } = one as NodeJS.ErrnoException
  return { name: one.name, code: code ?? '', message: one.message }
}
