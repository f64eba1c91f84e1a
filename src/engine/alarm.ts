/** The longest that a timer of the runtime can hold: beyond it would ring at once. Milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/**
 * Rings at the earliest of the times that it was set to, however far away. How far away is taken from the wall clock when
 * it is set; from then on it goes by the monotonic clock, so that a wall clock that is set makes nothing ring early or late.
 */
export class Alarm {
  readonly #onRing: (at: number) => void
  readonly #now: () => number
  #at = Infinity
  /** The same by the monotonic clock. */
  #deadline = Infinity
  #timer: NodeJS.Timeout | undefined

  /** @param now the wall clock, in milliseconds since 1970 @param onRing told the time that it was set to, which has come */
  constructor(now: () => number, onRing: (at: number) => void) {
    this.#now = now
    this.#onRing = onRing
  }

  /** Rings no later than at this time (milliseconds since 1970). */
  set(at: number): void {
    const deadline = performance.now() + at - this.#now()
    if (deadline >= this.#deadline) return
    this.#at = at
    this.#deadline = deadline
    this.#arm()
  }

  stop(): void {
    this.#deadline = Infinity
    clearTimeout(this.#timer)
  }

  #arm(): void {
    clearTimeout(this.#timer)
    const left = this.#deadline - performance.now()
    this.#timer = setTimeout(() => (left > LONGEST_TIMER_MS ? this.#arm() : this.#ring()), Math.min(Math.max(0, left), LONGEST_TIMER_MS))
    this.#timer.unref()
  }

  #ring(): void {
    this.#deadline = Infinity
    this.#onRing(this.#at)
  }
}
