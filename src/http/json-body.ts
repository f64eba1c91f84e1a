import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { UnsupportedMediaType } from '../errors.ts'
import { HalfSentBodies } from './body-reader.ts'
import { readJson } from './json-scanner.ts'
import { LargeBodies } from './large-bodies.ts'
import type { Limits } from './limits.ts'

/** Bytes a body may have where the route does not say otherwise. */
export const BODY_LIMIT = 1_000_000

/** Bytes that the body of an execution may have: the `bodyLimit` of those routes. */
export const EXECUTE_BODY_LIMIT = 10_000_000

/**
 * Replaces Fastify's body parsers by one that reads JSON strictly and takes nothing else. `__proto__` and `constructor`
 * are plain keys here: JSON.parse makes own properties of them, and validation and storage look at own properties only.
 */
export function acceptJsonBodies(
  app: FastifyInstance,
  { halfSentBytes, largeBodyBytes }: Pick<Limits, 'halfSentBytes' | 'largeBodyBytes'>,
): void {
  const bodies = new HalfSentBodies(halfSentBytes)
  const inHand = new LargeBodies(largeBodyBytes)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    '*',
    (request: FastifyRequest, message: IncomingMessage, done: (error: Error | null, body?: unknown) => void) => {
      // An unknown address stays a 404 whatever comes with it.
      if (request.is404) return done(null)
      bodies.read(message, request.routeOptions.bodyLimit, (failure, bytes) => {
        if (failure) return done(failure)
        let body: unknown
        try {
          inHand.admit(message, bytes.length)
          body = readBody(request, bytes)
        } catch (error) {
          return done(error as Error)
        }
        done(null, body)
      })
    },
  )
  app.addHook('preValidation', (request, reply, done) => {
    inHand.holdUntilAnswered(request.raw, reply.raw)
    done()
  })
  // Fastify answers 415 to a Content-Type without a slash before any parser runs, even where there is no body at all.
  app.addHook('onRequest', (request, _reply, done) => {
    const { headers } = request.raw
    if (headers['content-type'] !== undefined && !headers['content-type'].includes('/')) delete headers['content-type']
    // Fastify itself refuses a QUERY that has none, although no route takes that method: 405 and 404 are what helps.
    if (request.method === 'QUERY') headers['content-type'] ??= 'application/json'
    done()
  })
}

/** undefined where the body is empty, whatever type it claims; the validation decides whether the route needs one. */
function readBody(request: FastifyRequest, body: Buffer): unknown {
  if (body.length === 0) return undefined
  const type = request.headers['content-type']
  if (!isJson(type))
    throw new UnsupportedMediaType({ received: type ? `'${type.slice(0, 100)}'` : 'a body without a readable Content-Type' })
  // RFC 9110 §8.4: a coding that is not known is 415. None is, since a few compressed bytes may unfold to gigabytes.
  const coding = request.headers['content-encoding']?.trim() || 'identity'
  if (coding.toLowerCase() !== 'identity')
    throw new UnsupportedMediaType({ received: `a body with the Content-Encoding '${coding.slice(0, 100)}'` })
  return readJson(body)
}

/** `application/json`, with no parameter but `charset=utf-8` (which RFC 8259 §11 does not define and many clients send). */
export function isJson(contentType: string | undefined): boolean {
  if (contentType === undefined) return false
  if (contentType === 'application/json') return true
  const [mediaType, ...parameters] = contentType.split(';').map((part) => part.trim().toLowerCase())
  return mediaType === 'application/json' && parameters.every((one) => one === '' || /^charset=("utf-?8"|utf-?8)$/.test(one))
}
