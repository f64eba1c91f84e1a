interface Held {
  until: number
  counts: boolean
}

export interface HoldsOptions {
  /**
   * All steps are held. Told the earliest time at which one of them goes on, Infinity when none does by itself, and whether one
   * of the waits counts towards the timeout.
   */
  onAllHeld: (until: number, counts: boolean) => void
  /** Told when nothing but waits that do not count is left, and when that is over. */
  onIdle: (isIdle: boolean) => void
}

/**
 * Which steps of a slice are at work, and which are held until a time or a word. When all of them are held, there is
 * nothing to keep the execution in memory for.
 */
export class Holds {
  readonly #options: HoldsOptions
  readonly #held = new Set<Held>()
  #working = 0
  #isIdle = false

  constructor(options: HoldsOptions) {
    this.#options = options
  }

  /** A step is at work, until `end`. */
  begin(): void {
    this.#working++
    if (this.#isIdle) this.#noteIdle()
  }

  end(): void {
    this.#working--
    if (this.#working > 0 || this.#held.size === 0) return
    this.#noteIdle()
    this.check()
  }

  /** Between `begin` and `end`: waits, and is not at work meanwhile. */
  async hold(until: number, counts: boolean, wait: () => Promise<void>): Promise<void> {
    const held = { until, counts }
    this.#held.add(held)
    this.end()
    try {
      await wait()
    } finally {
      this.#held.delete(held)
      this.begin()
    }
  }

  check(): void {
    // What one step has given may begin another in this turn of the event loop.
    setImmediate(() => {
      if (this.#working > 0 || this.#held.size === 0) return
      this.#options.onAllHeld(
        [...this.#held].reduce((earliest, { until }) => Math.min(earliest, until), Infinity),
        this.#counts(),
      )
    })
  }

  #counts(): boolean {
    for (const { counts } of this.#held) if (counts) return true
    return false
  }

  #noteIdle(): void {
    const isIdle = this.#working === 0 && this.#held.size > 0 && !this.#counts()
    if (isIdle === this.#isIdle) return
    this.#isIdle = isIdle
    this.#options.onIdle(isIdle)
  }
}
