import { chargeRate, refundRate, type Charge, type RateLimit } from './rate.ts'

/** Keys that are remembered. One of which nothing is used needs no memory; beyond so many, those are forgotten that were quiet for longest. */
const MOST_KEYS = 10_000

/** What API keys have used of their rate limits. In memory: a start forgives it. */
export class KeyRates {
  /** When nothing of a key's limit is used any more. Those that were charged last are at the end. */
  readonly #fullAt = new Map<string, number>()

  /** @param now by the monotonic clock, in milliseconds */
  charge(keyId: string, limit: RateLimit, now: number): Charge {
    const charge = chargeRate(limit, this.#fullAt.get(keyId), now)
    if (charge.fullAt !== undefined) this.#keep(keyId, charge.fullAt)
    return charge
  }

  /** A request that was charged is not to be counted. */
  refund(keyId: string, limit: RateLimit): void {
    const fullAt = this.#fullAt.get(keyId)
    if (fullAt !== undefined) this.#fullAt.set(keyId, refundRate(limit, fullAt))
  }

  get size(): number {
    return this.#fullAt.size
  }

  #keep(keyId: string, fullAt: number): void {
    this.#fullAt.delete(keyId)
    this.#fullAt.set(keyId, fullAt)
    if (this.#fullAt.size > MOST_KEYS) this.#fullAt.delete(this.#fullAt.keys().next().value!)
  }
}
