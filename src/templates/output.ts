import type { Emitter } from 'liquidjs'
import type { Budget } from './budget.ts'
import { toText } from './to-text.ts'

/** The text that a template gives, as it grows. */
export class OutputText implements Emitter {
  buffer = ''
  readonly #budget: Budget
  readonly #toValue: (value: unknown) => unknown

  /** @param toValue turns what LiquidJS keeps as an object of its own into a value */
  constructor(budget: Budget, toValue: (value: unknown) => unknown) {
    this.#budget = budget
    this.#toValue = toValue
  }

  write(value: unknown): void {
    const text = typeof value === 'string' ? value : toText(this.#toValue(value), this.#budget)
    this.#budget.use(text.length)
    this.buffer += text
  }
}
