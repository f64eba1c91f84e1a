import type { Budget } from './budget.ts'
import { Failure, Overrun } from './failure.ts'
import { describe } from './read-property.ts'

/**
 * How values are compared. LiquidJS's own way has no limits, compares lists only, and lets `'12 EUR' > 100` be false in silence.
 */

/** The words `nil`, `empty` and `blank`, which stand for several values. */
export interface Words {
  nil: unknown
  empty: unknown
  blank: unknown
}

const MAX_DEPTH = 500

export class Comparison {
  readonly #words: Words
  readonly #budget: Budget

  constructor(words: Words, budget: Budget) {
    this.#words = words
    this.#budget = budget
  }

  equal(left: unknown, right: unknown): boolean {
    if (this.#isWord(right)) return this.#isWord(left) ? left === right : this.#is(left, right)
    if (this.#isWord(left)) return this.#is(right, left)
    return this.#isSame(left, right, 0)
  }

  /** Negative, zero or positive; undefined where one is nothing, which is neither more nor less than anything. */
  order(left: unknown, right: unknown): number | undefined {
    if (this.#isNothing(left) || this.#isNothing(right)) return undefined
    if (typeof left === 'number' && typeof right === 'number') return left - right
    if (typeof left === 'string' && typeof right === 'string') return left < right ? -1 : left > right ? 1 : 0
    const hint = typeof left === 'string' || typeof right === 'string' ? '; a text becomes a number by `| plus: 0`' : ''
    throw new Failure(`${describe(left)} cannot be compared with ${describe(right)}${hint}`)
  }

  contains(whole: unknown, part: unknown): boolean {
    if (Array.isArray(whole)) return whole.some((item) => this.equal(item, part))
    if (this.#isNothing(whole) || this.#isNothing(part)) return false
    if (typeof whole === 'string') return whole.includes(String(this.#plain(part)))
    return typeof whole === 'object' && typeof part === 'string' && Object.hasOwn(whole as object, part)
  }

  #isWord(value: unknown): boolean {
    const { nil, empty, blank } = this.#words
    return value === nil || value === empty || value === blank
  }

  #is(value: unknown, word: unknown): boolean {
    const { nil, blank } = this.#words
    if (value === null || value === undefined) return word === nil || word === blank
    if (word === nil) return false
    if (word === blank && (value === false || (typeof value === 'string' && value.trim() === ''))) return true
    if (typeof value === 'string' || Array.isArray(value)) return value.length === 0
    return typeof value === 'object' && isWithoutProperties(value)
  }

  #isNothing(value: unknown): boolean {
    return value === null || value === undefined || this.#isWord(value)
  }

  #plain(value: unknown): unknown {
    if (typeof value !== 'object') return value
    throw new Failure(`a text cannot contain ${describe(value)}`)
  }

  #isSame(left: unknown, right: unknown, depth: number): boolean {
    this.#budget.tick()
    if (left === right) return true
    if (typeof left !== 'object' || typeof right !== 'object') return (left ?? null) === (right ?? null)
    if (left === null || right === null) return false
    if (depth > MAX_DEPTH) throw new Overrun('depth')
    if (Array.isArray(left) || Array.isArray(right)) return this.#isSameList(left, right, depth)
    return this.#isSameObject(left as Record<string, unknown>, right as Record<string, unknown>, depth)
  }

  #isSameList(left: unknown, right: unknown, depth: number): boolean {
    if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false
    return left.every((item, index) => this.#isSame(item, right[index], depth + 1))
  }

  #isSameObject(left: Record<string, unknown>, right: Record<string, unknown>, depth: number): boolean {
    const names = Object.keys(left)
    if (names.length !== Object.keys(right).length) return false
    return names.every((name) => Object.hasOwn(right, name) && this.#isSame(left[name], right[name], depth + 1))
  }
}

function isWithoutProperties(value: object): boolean {
  for (const name in value) if (Object.hasOwn(value, name)) return false
  return true
}
