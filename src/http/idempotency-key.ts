import type { FastifyRequest } from 'fastify'
import type { Issue } from '../errors.ts'
import type { Parameter } from './openapi.ts'

/** As Node names it: in small letters. */
export const IDEMPOTENCY_KEY = 'idempotency-key'

/** Says that an answer is the one that was given before. */
export const IDEMPOTENT_REPLAYED = 'idempotent-replayed'

/** Node joins what is sent twice by a comma and a space, so it does not match either. A quoted string is taken as it is. */
const PATTERN = /^[\x21-\x7e]{1,255}$/

export function checkIdempotencyKey({ headers }: FastifyRequest): Issue[] {
  const key = headers[IDEMPOTENCY_KEY]
  if (key === undefined || (typeof key === 'string' && PATTERN.test(key))) return []
  const message = "'Idempotency-Key' must be sent once, with 1 to 255 visible ASCII characters, for example a UUID."
  return [{ pointer: 'Idempotency-Key', code: 'wrong_format', message }]
}

export const idempotencyKeyParameter: Parameter = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'Makes it safe to send this request again, for 24 hours: it happens once, and who repeats it gets the first answer, with `Idempotent-Replayed: true`. The same key with another body or query is 422 `idempotency_key_reused`; while the first is still running it is 409 `idempotency_in_progress`. Answers of 409, 429, 500, 503 and 507 are not kept.',
  schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[!-~]+$', examples: ['8e03978e-40d5-43dd-bc93-6894a57f9324'] },
}
