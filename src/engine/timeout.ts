/** The timeout of an execution: it counts the time that slices of it ran, by the monotonic clock. All in milliseconds. */
export class Timeout {
  readonly #limit: number
  readonly #onTimeout: () => void
  #used: number
  #since: number | undefined
  #timer: NodeJS.Timeout | undefined
  #isOver = false

  /** @param used by the slices before this one */
  constructor(limit: number, used: number, onTimeout: () => void) {
    this.#limit = limit
    this.#used = used
    this.#onTimeout = onTimeout
  }

  get used(): number {
    return this.#used + (this.#since === undefined ? 0 : performance.now() - this.#since)
  }

  get left(): number {
    return Math.max(0, this.#limit - this.used)
  }

  run(): void {
    if (this.#isOver) return
    this.pause()
    this.#since = performance.now()
    // At most a day, so within what a timer can hold.
    this.#timer = setTimeout(this.#onTimeout, this.left)
  }

  /** For good: the slice has ended, and what it still writes is late. */
  end(): void {
    this.#isOver = true
    this.pause()
  }

  /** Time that the execution could do nothing with does not count. */
  pause(): void {
    clearTimeout(this.#timer)
    this.#used = this.used
    this.#since = undefined
  }
}
