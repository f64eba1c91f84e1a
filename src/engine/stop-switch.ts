/**
 * Whether a slice was stopped, and what for. Its signal is made for whoever asks for it: most steps have no use for one, and it
 * costs as much as some of them.
 */
export class StopSwitch {
  #reason: Error | undefined
  #controller: AbortController | undefined
  /** What is told when it is stopped: a listener on the signal for each would cost more than most steps do. */
  readonly #told = new Set<(reason: Error) => void>()

  /** Undefined as long as it was not stopped. */
  get reason(): Error | undefined {
    return this.#reason
  }

  get isStopped(): boolean {
    return this.#reason !== undefined
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#reason) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  /** The first reason counts. */
  stop(reason: Error): void {
    if (this.#reason) return
    this.#reason = reason
    this.#controller?.abort(reason)
    for (const tell of this.#told) tell(reason)
  }

  /** @throws the reason */
  throwIfStopped(): void {
    if (this.#reason) throw this.#reason
  }

  /** What somebody does, as long as it goes on: work that does not heed the signal is not waited for. @throws the reason */
  async untilStopped<Result>(work: () => Promise<Result>): Promise<Result> {
    this.throwIfStopped()
    const { promise, reject } = Promise.withResolvers<never>()
    this.#told.add(reject)
    try {
      return await Promise.race([work(), promise])
    } finally {
      this.#told.delete(reject)
    }
  }
}
