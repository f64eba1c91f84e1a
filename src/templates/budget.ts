import { Interrupted, interruptible, roughThreadMilliseconds, threadMilliseconds } from '../interrupt.ts'
import { Overrun } from './failure.ts'

/** What one rendering may take. */
export interface Limits {
  /** Of CPU time, so that a busy machine or a collection of garbage fails nothing. */
  milliseconds: number
  /** UTF-16 code units and list items that may be made, the output included. */
  characters: number
}

export const DEFAULT_LIMITS: Limits = { milliseconds: 10, characters: 1_000_000 }

/** So many small pieces of work are done between two looks at the clock: some microseconds. */
const TICKS = 32

const LONG = 10_000

/** Time and room of one rendering, used up as it goes. LiquidJS takes it for both of its own limits. */
export class Budget {
  readonly limits: Limits
  #left: number
  #ticks = 0
  readonly #began: number
  #deadline: number

  constructor(limits: Limits) {
    this.limits = limits
    this.#left = limits.characters
    const now = performance.now()
    this.#began = roughThreadMilliseconds(now)
    this.#deadline = now + limits.milliseconds
  }

  /** @throws Overrun when so many characters or items more are too many */
  use(count: number): void {
    if (!(count > 0)) return
    this.#left -= count
    if (this.#left < 0) throw new Overrun('size')
  }

  /** @throws Overrun when the time is over */
  check(now = performance.now()): void {
    if (now >= this.#deadline) this.#late(now)
  }

  /** Called for each small piece of work. */
  tick(): void {
    this.#ticks += 1
    if (this.#ticks >= TICKS) {
      this.#ticks = 0
      this.check()
    }
  }

  /**
   * Does in one go what takes longer the longer a text is, and stops it when the time is over. Of a short one no filter takes a
   * millisecond, so there the watch is not worth its 75 µs.
   */
  onText<T>(text: string, work: () => T): T {
    this.check()
    if (text.length <= LONG) return work()
    try {
      return interruptible(work, Math.max(1, this.#remaining()))
    } catch (error) {
      if (error instanceof Interrupted) throw new Overrun('time')
      throw error
    }
  }

  #late(now: number): void {
    const remaining = this.#remaining()
    if (remaining <= 0) throw new Overrun('time')
    this.#deadline = now + remaining
  }

  #remaining(): number {
    return this.limits.milliseconds - (threadMilliseconds() - this.#began)
  }
}
