import type { FastifyReply, FastifyRequest } from 'fastify'
import { KeyRateLimited } from '../errors.ts'
import type { App } from '../http/app.ts'
import { IDEMPOTENT_REPLAYED } from '../http/idempotency-key.ts'
import { tellLimit } from '../http/limit-fields.ts'
import { KeyRates } from './key-rates.ts'
import { toLimitState } from './rate.ts'

/**
 * Counts the requests of each API key that has a limit, and refuses what is beyond it. Called after the hook that finds out
 * who sends a request, and before the first route is registered. Questions about health come without a key, so they are not
 * counted; what is sent again with its `Idempotency-Key`, and answered as it was answered before, is not counted twice.
 */
export function limitKeys(app: App): void {
  const rates = new KeyRates()
  app.addHook('onRequest', (request, reply, done) => {
    if (request.caller.limits.rate_limit === null) return done()
    try {
      charge(rates, request, reply)
      done()
    } catch (error) {
      done(error as Error)
    }
  })
}

/** @throws KeyRateLimited */
function charge(rates: KeyRates, request: FastifyRequest, reply: FastifyReply): void {
  const { key_id, limits } = request.caller
  const limit = limits.rate_limit!
  const { state, bucket } = rates.charge(key_id, limit, performance.now())
  const reached = toLimitState('key', state)
  if (!bucket) throw new KeyRateLimited({ reached, retry_after: state.reset })
  tellLimit(reply, reached)
  if (request.headers['idempotency-key'] === undefined) return
  reply.raw.once('close', () => {
    const isRepeat = reply.hasHeader(IDEMPOTENT_REPLAYED) || request.idempotency?.admitted !== undefined
    if (isRepeat) rates.refund(key_id)
  })
}
