/** The longest that a timer of the runtime can hold: beyond it would ring at once. Milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/**
 * Rings at the earliest of the times that it was set to, however far away. It goes by the monotonic clock from the moment
 * it was made: a wall clock that is set makes nothing ring early or late.
 */
export class Alarm {
  readonly #onRing: (at: number) => void
  readonly #offset: number
  #at = Infinity
  #timer: NodeJS.Timeout | undefined

  /** @param now milliseconds since 1970 @param onRing told the time that it was set to, which has come */
  constructor(now: number, onRing: (at: number) => void) {
    this.#offset = now - performance.now()
    this.#onRing = onRing
  }

  /** Rings no later than at this time (milliseconds since 1970). */
  set(at: number): void {
    if (at >= this.#at) return
    this.#at = at
    this.#arm()
  }

  stop(): void {
    this.#at = Infinity
    clearTimeout(this.#timer)
  }

  #arm(): void {
    clearTimeout(this.#timer)
    const left = this.#at - (this.#offset + performance.now())
    this.#timer = setTimeout(() => (left > LONGEST_TIMER_MS ? this.#arm() : this.#ring()), Math.min(Math.max(0, left), LONGEST_TIMER_MS))
    this.#timer.unref()
  }

  #ring(): void {
    const at = this.#at
    this.#at = Infinity
    this.#onRing(at)
  }
}
