import type { IncomingMessage } from 'node:http'
import type { FastifyReply } from 'fastify'
import { METHODS } from './methods.ts'

/** What a page of another origin may send beside what every page may (Fetch standard, "CORS-safelisted request-header"). */
const SENT = ['Authorization', 'Content-Type', 'Idempotency-Key', 'If-Match', 'If-None-Match', 'Last-Event-ID']

/** What it gets to see beside what every page does. */
const SEEN = [
  'Allow',
  'Content-Disposition',
  'ETag',
  'Idempotent-Replayed',
  'Link',
  'Location',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'WWW-Authenticate',
  'X-Request-Id',
]

/** Browsers ask again after so many seconds at most, so that a list that became shorter counts soon. */
const KEPT_SECONDS = 600

/**
 * Pages of other origins that the operator lets in (Fetch standard §3.3, CORS), each by its exact origin: no patterns, no `*`, and
 * never cookies, which this server has none of. Without a list there is nothing of all this in any answer.
 */
export class CrossOrigin {
  readonly #origins: ReadonlySet<string>
  /** The headers of every answer, by the origin that they are for; undefined stands for all that are not listed. */
  readonly #headers = new Map<string | undefined, Record<string, string>>()

  /** @param headers that every answer has anyway */
  constructor(origins: readonly string[], headers: Readonly<Record<string, string>>) {
    this.#origins = new Set(origins)
    // Whatever the answer, a cache must not give it to another origin.
    this.#headers.set(undefined, inSmallLetters(origins.length > 0 ? { ...headers, Vary: 'Origin' } : headers))
    for (const origin of origins) {
      const seen = { 'Access-Control-Allow-Origin': origin, 'Access-Control-Expose-Headers': SEEN.join(', ') }
      this.#headers.set(origin, inSmallLetters({ ...headers, Vary: 'Origin', ...seen }))
    }
  }

  lists(origin: string | undefined): boolean {
    return origin !== undefined && this.#origins.has(origin)
  }

  headersFor({ headers: { origin } }: IncomingMessage): Readonly<Record<string, string>> {
    return this.#headers.get(origin) ?? this.#headers.get(undefined)!
  }

  /** What a listed page is told that asks whether it may send a request; undefined where nobody asks, or nobody who is listed. */
  permission({ method, headers }: IncomingMessage): Readonly<Record<string, string>> | undefined {
    if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined || !this.lists(headers.origin)) return undefined
    return {
      'Access-Control-Allow-Methods': METHODS.join(', '),
      'Access-Control-Allow-Headers': SENT.join(', '),
      'Access-Control-Max-Age': String(KEPT_SECONDS),
      Vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    }
  }
}

/** Fastify writes their names so, and would make them so for each answer. */
function inSmallLetters(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

/** What was said of other origins, for an answer that is taken out of Fastify's hands. */
export function toldOrigins(reply: FastifyReply): Record<string, string> {
  const told = ['vary', 'access-control-allow-origin', 'access-control-expose-headers'].flatMap((name) => {
    const value = reply.getHeader(name)
    return value === undefined ? [] : [[name, String(value)]]
  })
  return Object.fromEntries(told)
}
