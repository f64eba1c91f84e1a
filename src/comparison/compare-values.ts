import { alignLists } from './align-lists.ts'
import type { Budget } from './budget.ts'
import type { Difference, Kind } from './comparison.ts'
import { isFields, isSame } from './is-same.ts'
import type { TextDiff } from './text-diff.ts'

/** Characters from which on a text in one line is compared as a text. */
const LONG_LINE = 120

/** Places of the same thing in both. */
export interface Place {
  before: string
  after: string
}

/** Finds the places where values differ, as far as there is a budget for it. */
export class ValueComparison {
  readonly #budget: Budget
  readonly #textDiff: TextDiff

  constructor(budget: Budget, textDiff: TextDiff) {
    this.#budget = budget
    this.#textDiff = textDiff
  }

  /** Whether there is more than was added. */
  get isTruncated(): boolean {
    return this.#budget.isExceeded
  }

  /** Adds the innermost places that differ. Undefined stands for what is not there. */
  collect(before: unknown, after: unknown, place: Place, found: Difference[]): void {
    if (isSame(before, after)) return
    if (isFields(before) && isFields(after)) return this.#collectFields(before, after, place, found)
    if (Array.isArray(before) && Array.isArray(after)) return this.#collectItems(before, after, place, found)
    if (this.#budget.takeOne()) found.push(this.#describe(before, after, place))
  }

  #collectFields(before: object, after: object, place: Place, found: Difference[]): void {
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
      this.collect(own(before, name), own(after, name), into(place, name), found)
    }
  }

  #collectItems(before: unknown[], after: unknown[], place: Place, found: Difference[]): void {
    const { pairs, isReordered } = alignLists(before, after)
    if (isReordered && this.#budget.takeOne()) found.push({ pointer: place.after, change: 'reordered' })
    for (const pair of pairs) {
      const at = { before: `${place.before}/${pair.before}`, after: `${place.after}/${pair.after}` }
      const item = (list: unknown[], index: number | undefined): unknown => (index === undefined ? undefined : list[index])
      this.collect(item(before, pair.before), item(after, pair.after), at, found)
    }
  }

  #describe(before: unknown, after: unknown, place: Place): Difference {
    const change: Kind = before === undefined ? 'added' : after === undefined ? 'removed' : 'changed'
    const difference: Difference = { pointer: change === 'removed' ? place.before : place.after, change }
    const diff = typeof before === 'string' && typeof after === 'string' ? this.#compareTexts(before, after) : undefined
    if (diff !== undefined) {
      difference.diff = this.#cut(diff, difference)
      return difference
    }
    if (before !== undefined) this.#show('before', before, difference)
    if (after !== undefined) this.#show('after', after, difference)
    return difference
  }

  #compareTexts(before: string, after: string): string | undefined {
    const isShort = [before, after].every((text) => text.length < LONG_LINE && !text.includes('\n'))
    if (isShort || this.#budget.textMs === 0) return undefined
    const began = performance.now()
    const diff = this.#textDiff(before, after, this.#budget.textMs)
    this.#budget.spendTextMs(performance.now() - began)
    return diff
  }

  #show(side: 'before' | 'after', value: unknown, difference: Difference): void {
    if (typeof value === 'string') {
      difference[side] = this.#cut(value, difference)
      return
    }
    const { length } = JSON.stringify(value)
    // A part of it would be no value.
    if (this.#budget.takeCharacters(length) === length) difference[side] = value
    else difference.truncated = true
  }

  #cut(text: string, difference: Difference): string {
    const given = this.#budget.takeCharacters(text.length)
    if (given < text.length) difference.truncated = true
    return text.slice(0, given).toWellFormed()
  }
}

/** Users' JSON may have any names, also those that every object inherits. */
function own(fields: object, name: string): unknown {
  return Object.hasOwn(fields, name) ? (fields as Record<string, unknown>)[name] : undefined
}

function into({ before, after }: Place, name: string): Place {
  const part = name.replaceAll('~', '~0').replaceAll('/', '~1')
  return { before: `${before}/${part}`, after: `${after}/${part}` }
}
