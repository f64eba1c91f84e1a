import { defineError, type Issue } from './catalogue.ts'

export const MalformedBody = defineError(
  'malformed_body',
  400,
  'The body cannot be read',
  (d: { reason: string }) => `The body is not readable JSON: ${d.reason}`,
)

export const MalformedRequest = defineError('malformed_request', 400, 'The request cannot be read', (d: { reason: string }) => d.reason)

export const CrossSiteRequest = defineError(
  'cross_site_request',
  403,
  'Requests from other sites are refused',
  () => 'A page of another site tried to change something here. Call the API from a program, or from a page that this server serves.',
)

export const RouteNotFound = defineError(
  'route_not_found',
  404,
  'There is no such address',
  (d: { method: string; path: string }) => `Nothing answers ${d.method} ${d.path}. GET /openapi.json lists every route.`,
)

export const MethodNotAllowed = defineError(
  'method_not_allowed',
  405,
  'This address does not take that method',
  (d: { method: string; path: string; allowed: string[] }) => `${d.path} does not take ${d.method}; it takes ${d.allowed.join(', ')}.`,
)

export const RequestTimeout = defineError(
  'request_timeout',
  408,
  'The request took too long to arrive',
  () => 'The whole request did not arrive in time. Send it again over a faster connection.',
)

export const BodyTooLarge = defineError(
  'body_too_large',
  413,
  'The body is too large',
  (d: { limit: number }) => `The body may have at most ${d.limit} bytes here.`,
)

export const BodyFragmented = defineError(
  'body_fragmented',
  400,
  'The body comes in pieces that are too small',
  () => 'The body comes in so many small pieces that reading it is a burden. Send it whole, or in pieces of some kilobytes.',
)

export const UnsupportedMediaType = defineError(
  'unsupported_media_type',
  415,
  'The body is of a type that is not read here',
  (d: { received: string }) => `Send the body as application/json in UTF-8; it came as ${d.received}.`,
)

export const UnknownHost = defineError(
  'unknown_host',
  421,
  'This server does not go by that name',
  (d: { host: string }) =>
    `The Host header says '${d.host}', which is not a name of this server. Add it to AGENT_STUDIO_ALLOWED_HOSTS if it should be.`,
)

export const InvalidInput = defineError(
  'invalid_input',
  422,
  'The input is not valid',
  (d: { errors: Issue[] }) =>
    d.errors.length === 1 ? d.errors[0]!.message : `${d.errors.length} problems were found; 'errors' lists each with its place.`,
  ['errors'],
)

export const PreconditionFailed = defineError(
  'precondition_failed',
  412,
  'It is not what the request expects',
  (d: { header: string; exists: boolean }) =>
    d.exists
      ? `It was changed since, or is there already, so that '${d.header}' does not hold and nothing was changed. Read it again, and send the ETag of that answer.`
      : `It is not there any more, so that '${d.header}' does not hold and nothing was changed. Read the list again.`,
)

export const IdempotencyKeyReused = defineError(
  'idempotency_key_reused',
  422,
  'The Idempotency-Key belongs to another request',
  (d: { key: string }) =>
    `The Idempotency-Key '${d.key}' was sent to this address before, with another body or query. Take a new key for a new request.`,
)

export const IdempotencyInProgress = defineError(
  'idempotency_in_progress',
  409,
  'The request of this Idempotency-Key is still running',
  (d: { execution_id?: string }) =>
    d.execution_id
      ? `Execution ${d.execution_id}, which this Idempotency-Key started, has not ended. GET /api/executions/${d.execution_id} tells how it goes; once it has ended, the same request gets its answer.`
      : 'The request that this Idempotency-Key was first sent with is being answered. Send it again in a moment.',
  ['execution_id'],
)

export const TransferCodingUnsupported = defineError(
  'transfer_coding_unsupported',
  501,
  'The transfer coding is not known here',
  (d: { coding: string }) => `The body comes with 'Transfer-Encoding: ${d.coding}'; only 'chunked' is read here.`,
)

export const HttpVersionUnsupported = defineError(
  'http_version_unsupported',
  505,
  'The version of HTTP is not spoken here',
  (d: { version: string }) => `The request says that it is HTTP/${d.version}. Send it as HTTP/1.1.`,
)

export const HeaderTooLarge = defineError(
  'header_too_large',
  431,
  'The headers are too large',
  () => 'The request headers are larger than this server reads.',
)
