/**
 * Requests of the same key take turns, so that the second finds the answer of the first instead of running beside it. This
 * is for a better answer only: that nothing happens twice is decided in the transaction.
 */
export class Turns {
  readonly #busy = new Map<string, Promise<void>>()

  /** Waits for those that were there before. @returns what ends the turn; it may be called more than once */
  async take(name: string): Promise<() => void> {
    for (let other = this.#busy.get(name); other; other = this.#busy.get(name)) await other
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#busy.set(name, promise)
    return () => {
      if (this.#busy.get(name) === promise) this.#busy.delete(name)
      resolve()
    }
  }
}
