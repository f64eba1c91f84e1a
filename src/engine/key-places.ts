import { KeyBusy } from '../errors.ts'

/** What is told to whoever comes when all places are taken: how soon one becomes free depends on what runs. Seconds. */
const RETRY_AFTER = 1

/** How many executions each API key has queued or running in this process. One that rests takes no place. */
export class KeyPlaces {
  readonly #counts = new Map<string, number>()
  readonly #keyOf = new Map<string, string>()

  /** @throws KeyBusy when the key has as many as it may */
  take(keyId: string, concurrency: number, executionId: string): void {
    if ((this.#counts.get(keyId) ?? 0) >= concurrency) {
      throw new KeyBusy({ reached: { policy: 'key-concurrency', quota: concurrency, remaining: 0 }, retry_after: RETRY_AFTER })
    }
    this.enter(keyId, executionId)
  }

  /** It goes on, whether there is a place or not. */
  enter(keyId: string, executionId: string): void {
    if (this.#keyOf.has(executionId)) return
    this.#keyOf.set(executionId, keyId)
    this.#counts.set(keyId, (this.#counts.get(keyId) ?? 0) + 1)
  }

  /** It has ended, or rests, or is left to a later process. */
  leave(executionId: string): void {
    const keyId = this.#keyOf.get(executionId)
    if (keyId === undefined) return
    this.#keyOf.delete(executionId)
    const left = this.#counts.get(keyId)! - 1
    if (left === 0) this.#counts.delete(keyId)
    else this.#counts.set(keyId, left)
  }
}
