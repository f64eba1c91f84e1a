import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import type { App } from '../http/app.ts'
import { IDEMPOTENCY_KEY, IDEMPOTENT_REPLAYED } from '../http/idempotency-key.ts'
import type { Studio } from '../studio.ts'
import { claimOf } from './claim-of.ts'
import { KeyedRequest } from './keyed-request.ts'
import { recallRequest, storeAnswer, type Answer } from './repository.ts'
import { Turns } from './turns.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Undefined without an `Idempotency-Key`. */
    idempotency: KeyedRequest | undefined
  }
}

/** Nothing that holds for long: what was true then may be otherwise when the request is repeated. */
const NOT_KEPT = new Set([409, 429, 500, 503, 507])

/** What an answer says beside its status and body. All else is the same for every answer. */
const KEPT_HEADERS = ['content-type', 'location']

/**
 * Makes every POST repeatable that is registered after this. A request without the header costs one look for it, before and
 * after the handler.
 */
export function honourIdempotencyKeys(app: App, studio: Pick<Studio, 'store' | 'clock'>): void {
  const keys = new IdempotencyKeys(studio)
  app.decorateRequest('idempotency', undefined)
  app.addHook('onRoute', (route: RouteOptions) => {
    if (![route.method].flat().includes('POST')) return
    // After the validation: what does not reach the operation does not use the key up.
    route.preHandler = [before, ...[route.preHandler ?? []].flat()]
    route.onSend = [...[route.onSend ?? []].flat(), after]
  })

  const before = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void => {
    const key = request.headers[IDEMPOTENCY_KEY]
    if (key === undefined) done()
    else void keys.begin(request, reply, String(key), done)
  }
  const after = (request: FastifyRequest, reply: FastifyReply, body: unknown, done: (error: null, body: unknown) => void): void => {
    if (request.idempotency === undefined) done(null, body)
    else void keys.end(request.idempotency, reply, body).finally(() => done(null, body))
  }
}

class IdempotencyKeys {
  readonly #studio: Pick<Studio, 'store' | 'clock'>
  readonly #turns = new Turns()

  constructor(studio: Pick<Studio, 'store' | 'clock'>) {
    this.#studio = studio
  }

  /** Before the handler, which `goOn` calls: not at all where the request is answered with what it was answered before. */
  async begin(request: FastifyRequest, reply: FastifyReply, key: string, goOn: (error?: Error) => void): Promise<void> {
    let endTurn: (() => void) | undefined
    try {
      const { caller, url, query, body } = request
      const claim = claimOf({ caller: caller.key_id, key, url, query, body }, this.#studio.clock.now())
      endTurn = await this.#turns.take(`${claim.caller} ${claim.path} ${key}`)
      // Whatever becomes of the handler: who has left keeps nobody waiting.
      reply.raw.once('close', endTurn)
      const earlier = await recallRequest(this.#studio.store.read, claim)
      if (earlier?.answer) {
        endTurn()
        return sendAgain(reply, earlier.answer)
      }
      request.idempotency = new KeyedRequest(claim, earlier ?? {}, endTurn)
    } catch (error) {
      endTurn?.()
      return goOn(error as Error)
    }
    goOn()
  }

  /** Before the answer is sent. Never rejects: an answer that cannot be kept is given all the same. */
  async end(keyed: KeyedRequest, reply: FastifyReply, body: unknown): Promise<void> {
    if (keyed.isHandedOver) return
    try {
      if (typeof body === 'string' && !NOT_KEPT.has(reply.statusCode)) {
        await this.#studio.store.write(storeAnswer, { claim: keyed.claim, answer: answerOf(reply, body) })
      }
    } catch (error) {
      reply.log.error({ err: error }, 'an answer could not be kept for its Idempotency-Key')
    } finally {
      keyed.endTurn()
    }
  }
}

function answerOf(reply: FastifyReply, body: string): Answer {
  const headers = KEPT_HEADERS.flatMap((name) => {
    const value = reply.getHeader(name)
    return value === undefined ? [] : [[name, String(value)]]
  })
  return { status: reply.statusCode, headers: Object.fromEntries(headers), body }
}

function sendAgain(reply: FastifyReply, { status, headers, body }: Answer): void {
  reply.code(status).headers(headers).header(IDEMPOTENT_REPLAYED, 'true')
  // To the letter: Fastify would add a charset to the type.
  reply.serializer((text) => text as string).send(body)
}
