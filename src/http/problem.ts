import { randomUUID } from 'node:crypto'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import {
  BodyFragmented,
  BodyTooLarge,
  InternalError,
  KeyInvalid,
  MalformedRequest,
  RequestTimeout,
  ScopeMissing,
  ShuttingDown,
  StorageUnknown,
  StudioError,
  UnsupportedMediaType,
} from '../errors.ts'
import { SECURITY_HEADERS } from './security-headers.ts'
import { tellLimit } from './limit-fields.ts'
import { isStopping } from './stopping.ts'

// Not imported: an import of node:http also loads what it exports, fetch and WebSocket, which takes as long as all of Fastify.
const { STATUS_CODES } = process.getBuiltinModule('node:http')

/** The one place that turns errors into problem details (RFC 9457). Errors are ours, Fastify's, or a fault of ours. */

export const PROBLEM_TYPE = 'application/problem+json'

export interface Problem {
  type: string
  title: string
  status: number
  detail: string
  code: string
  [member: string]: unknown
}

export function problemOf(error: StudioError): Problem {
  return {
    // RFC 9457 §3.1.1: relative references are allowed, and this one can be looked up on the server that said it.
    type: `/docs/errors#${error.code}`,
    title: error.title,
    status: error.status,
    detail: error.message,
    code: error.code,
    // After the standard members, but never instead of one.
    ...Object.fromEntries(Object.entries(error.members).filter(([name]) => !['type', 'title', 'status', 'detail', 'code'].includes(name))),
  }
}

/** What whoever runs the server has to look at. A failed model (502) or a long execution (504) is not among it. */
const FAULTS = new Set([InternalError.code, StorageUnknown.code])

/** On the answer to what failed by a fault of ours: what to look for in the log. */
export const REQUEST_ID = 'x-request-id'

/** What more comes of such a request is a burden, and nobody's who would read the answer. */
const HOPELESS = new Set([BodyFragmented.code, RequestTimeout.code])

/** The error handler of the app. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const known = translate(error, request)
  if (FAULTS.has(known.code)) reply.header(REQUEST_ID, logFault(error, request))
  sendProblem(reply, known)
}

/** @param status where it is not that of the error */
export function sendProblem(reply: FastifyReply, error: StudioError, status = error.status): void {
  // Fastify closes the connection after a body that it did not read to the end. Kept open, Node reads and drops the rest (at
  // most until requestTimeout), and the client gets to see the answer instead of a connection reset while it still writes.
  if (HOPELESS.has(error.code)) reply.header('connection', 'close')
  else if (!isStopping(reply.server.server)) reply.removeHeader('connection')
  reply.code(status).header('content-type', PROBLEM_TYPE).header('cache-control', 'no-store')
  // RFC 9110 §10.2.3
  if (error.retryAfter !== undefined) reply.header('retry-after', String(error.retryAfter))
  if (error.reached) tellLimit(reply, error.reached)
  const challenge = challengeOf(error)
  if (challenge !== undefined) reply.header('www-authenticate', challenge)
  // A serializer of its own, because Fastify would add a charset, which JSON has not (RFC 8259 §11).
  reply.serializer((payload: unknown) => JSON.stringify(payload)).send({ ...problemOf(error), status })
}

/** Which key would do, where the one that was sent will not, or none was (RFC 6750 §3, RFC 9110 §11.6.1). */
function challengeOf(error: StudioError): string | undefined {
  if (error.status !== 401 && !(error instanceof ScopeMissing)) return undefined
  const why = {
    [KeyInvalid.code]: ', error="invalid_token"',
    [ScopeMissing.code]: `, error="insufficient_scope", scope="${String(error.members['scope'])}"`,
  }
  return `Bearer realm="Agent Studio"${why[error.code] ?? ''}`
}

/** A whole response in bytes, for requests that never became one that Fastify could answer. */
export function rawProblem(error: StudioError, headers: Record<string, string> = {}): string {
  const body = JSON.stringify(problemOf(error))
  const all = {
    'Content-Type': PROBLEM_TYPE,
    'Content-Length': String(Buffer.byteLength(body)),
    Connection: 'close',
    'Cache-Control': 'no-store',
    ...SECURITY_HEADERS,
    ...headers,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}\r\n${lines.join('')}\r\n${body}`
}

function translate(error: unknown, request: FastifyRequest): StudioError {
  if (error instanceof StudioError) return error
  // The client left while its body was being read. Nobody will see the answer.
  if (request.raw.destroyed && !request.raw.complete) return new MalformedRequest({ reason: 'The request was broken off.' })
  const code = (error as FastifyError | null)?.code
  // Only Fastify's own codes are trusted: an error of a model SDK may carry a statusCode too, and it is not the client's fault.
  if (typeof code === 'string' && code.startsWith('FST_')) return translateFastify(code, request) ?? new InternalError({})
  return new InternalError({})
}

function translateFastify(code: string, request: FastifyRequest): StudioError | undefined {
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new BodyTooLarge({ limit: request.routeOptions.bodyLimit })
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
    case 'FST_ERR_ROUTE_MISSING_CONTENT_TYPE':
      return new UnsupportedMediaType({ received: `'${request.headers['content-type'] ?? ''}'` })
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new MalformedRequest({ reason: 'The body is not as long as Content-Length says.' })
    case 'FST_ERR_BAD_URL':
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new MalformedRequest({ reason: 'The address cannot be read: a percent sign must begin an escape such as %20, in UTF-8.' })
    case 'FST_ERR_NOT_FOUND':
      return new MalformedRequest({ reason: `HTTP has no method ${request.method}.` })
    case 'FST_ERR_REOPENED_CLOSE_SERVER':
      return new ShuttingDown({})
    default:
      return undefined
  }
}

/** @returns the id that finds the line in the log again */
function logFault(error: unknown, request: FastifyRequest): string {
  const err = error instanceof Error ? error : new Error(`not an Error was thrown: ${String(error)}`)
  const request_id = randomUUID()
  request.log.error({ err, request_id, method: request.method, url: request.url }, 'a request failed by a fault of ours')
  return request_id
}
