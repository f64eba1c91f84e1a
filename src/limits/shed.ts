import type { FastifyReply, FastifyRequest } from 'fastify'
import { ServerBusy } from '../errors.ts'
import type { App, HeadersFor } from '../http/app.ts'
import { PROBLEM_TYPE, problemOf } from '../http/problem.ts'
import type { Load, LoadKind } from './load.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * What is refused first when the server has too much to do: `work`, which is what begins executions. `always` is never
     * refused: questions about health, and what ends executions. All else is refused when it would wait for too long.
     */
    load?: 'work' | 'always'
  }
}

/** Seconds. A client that obeys is one less; one that does not is refused again, which costs little. */
const RETRY_AFTER = 1

/**
 * Refuses requests, before anything else is done for them, while the server has too much to do. A refusal costs a tenth of
 * an execution, so what is accepted is done as fast as ever.
 * @param onShed told of each refusal
 * @param headersFor what every answer to whoever sent the request has; one of a few objects
 */
export function shedLoad(app: App, load: Load, onShed: (kind: LoadKind) => void, headersFor: HeadersFor): void {
  const body = JSON.stringify(problemOf(new ServerBusy({ retry_after: RETRY_AFTER })))
  const own = { 'Content-Type': PROBLEM_TYPE, 'Content-Length': String(Buffer.byteLength(body)), 'Retry-After': String(RETRY_AFTER) }
  const made = new WeakMap<object, string[]>()
  const headersOf = (request: FastifyRequest): string[] => {
    const common = headersFor(request.raw)
    const known = made.get(common)
    if (known) return known
    const headers = Object.entries({ ...own, ...common }).flat()
    made.set(common, headers)
    return headers
  }
  const refuse = (request: FastifyRequest, reply: FastifyReply): void => {
    reply.hijack()
    reply.raw.writeHead(503, headersOf(request))
    reply.raw.end(body)
  }
  app.addHook('onRequest', (request, reply, done) => {
    if (load.isCalm) return done()
    const { load: kind = 'rest' } = request.routeOptions.config ?? {}
    if (kind === 'always' || !load.refuses(kind)) return done()
    onShed(kind)
    refuse(request, reply)
  })
}
