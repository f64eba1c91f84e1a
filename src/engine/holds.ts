/**
 * Which steps of a slice are at work, and which are held until a time or a word. When all of them are held, there is
 * nothing to keep the execution in memory for.
 */
export class Holds {
  readonly #onAllHeld: (until: number) => void
  readonly #held = new Set<{ until: number }>()
  #working = 0

  /** @param onAllHeld told the earliest time at which one of them goes on; Infinity when none does by itself */
  constructor(onAllHeld: (until: number) => void) {
    this.#onAllHeld = onAllHeld
  }

  /** A step is at work, until `end`. */
  begin(): void {
    this.#working++
  }

  end(): void {
    this.#working--
    if (this.#working === 0 && this.#held.size > 0) this.check()
  }

  /** Between `begin` and `end`: waits, and is not at work meanwhile. */
  async hold(until: number, wait: () => Promise<void>): Promise<void> {
    const held = { until }
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
      this.#onAllHeld([...this.#held].reduce((earliest, { until }) => Math.min(earliest, until), Infinity))
    })
  }
}
