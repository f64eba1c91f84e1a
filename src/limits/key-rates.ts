import { chargeRate, refundRate, type Bucket, type Charge, type RateLimit } from './rate.ts'

/** Keys that are remembered. One of which nothing is used needs no memory; beyond so many, those are forgotten that were quiet for longest. */
const MOST_KEYS = 10_000

/** What API keys have used of their rate limits. In memory: a start forgives it. */
export class KeyRates {
  /** Those that were charged last are at the end. */
  readonly #buckets = new Map<string, Bucket>()

  /** @param now by the monotonic clock, in milliseconds */
  charge(keyId: string, limit: RateLimit, now: number): Charge {
    const charge = chargeRate(limit, this.#buckets.get(keyId), now)
    if (charge.bucket) this.#keep(keyId, charge.bucket)
    return charge
  }

  /** A request that was charged is not to be counted. */
  refund(keyId: string): void {
    const bucket = this.#buckets.get(keyId)
    if (bucket) this.#buckets.set(keyId, refundRate(bucket))
  }

  get size(): number {
    return this.#buckets.size
  }

  #keep(keyId: string, bucket: Bucket): void {
    this.#buckets.delete(keyId)
    this.#buckets.set(keyId, bucket)
    if (this.#buckets.size > MOST_KEYS) this.#buckets.delete(this.#buckets.keys().next().value!)
  }
}
