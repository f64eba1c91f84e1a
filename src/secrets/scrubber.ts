import { FormIndex } from './form-index.ts'
import { formsOf, LEAST_LENGTH } from './forms.ts'

/** What stands in the place of a secret. Neither JSON nor a URL has to escape it. */
export const HIDDEN = '[hidden]'

/** Zeros before it are not in JSON. */
const NUMBER = /^\d+(\.\d+)?$/

/** So many times as much is looked at as is shown: what is hidden becomes shorter. */
const EXCERPT_MARGIN = 20

/** What is decided of a text, and what is not. */
export interface Scanned {
  clean: string
  /** What the characters to come decide about. */
  rest: string
  /** How much at the beginning of the rest is hidden already. */
  hidden: number
}

/** Hides the values that it was made of, in every form (`forms.ts`), wherever they stand. */
export class Scrubber {
  readonly #index: FormIndex
  /** Forms that are numbers. */
  readonly #numbers: ReadonlySet<number>

  /** @param forms what `formsOf` gives for each value */
  constructor(forms: Iterable<string>) {
    const each = [...new Set(forms)]
    this.#index = new FormIndex(each)
    // What is left of `00000001` is too short to be told from other numbers.
    const numbers = each.flatMap((form) => (NUMBER.test(form) ? Number(form) : []))
    this.#numbers = new Set(numbers.filter((number) => String(number).length >= LEAST_LENGTH))
  }

  static of(values: readonly string[]): Scrubber {
    return new Scrubber(values.flatMap(formsOf))
  }

  /** Whether there is nothing to hide. */
  get isEmpty(): boolean {
    return this.#index.isEmpty
  }

  /** The text itself where there is nothing to hide in it. */
  scrub(text: string): string {
    return this.scan(text, 0, true).clean
  }

  /**
   * The beginning of a text, for a message: cut after hiding, and without what may be the beginning of a secret at its end.
   * @param length at most so many characters
   */
  excerpt(text: string, length: number): string {
    const part = text.slice(0, length * EXCERPT_MARGIN)
    return this.scan(part, 0, part.length === text.length).clean.slice(0, length)
  }

  /**
   * A copy in which no text and no key has anything to hide; the value itself where there is nothing.
   * @param value as JSON can hold it
   */
  scrubAll<Value>(value: Value): Value {
    return this.isEmpty ? value : (this.#scrubValue(value) as Value)
  }

  #scrubValue(value: unknown): unknown {
    if (typeof value === 'string') return this.scrub(value)
    if (typeof value === 'number') return this.#isSecret(value) ? HIDDEN : value
    if (typeof value !== 'object' || value === null) return value
    return Array.isArray(value) ? this.#scrubList(value) : this.#scrubObject(value)
  }

  /** A secret of digits may come as a number: as itself, or as the one next to it where it has more digits than a number can. */
  #isSecret(value: number): boolean {
    return this.#numbers.size > 0 && this.#numbers.has(Math.abs(value))
  }

  #scrubList(list: readonly unknown[]): readonly unknown[] {
    let copy: unknown[] | undefined
    for (const [index, item] of list.entries()) {
      const clean = this.#scrubValue(item)
      if (clean !== item) (copy ??= [...list])[index] = clean
    }
    return copy ?? list
  }

  #scrubObject(object: object): object {
    const entries = Object.entries(object)
    const clean = entries.map(([key, value]) => [this.scrub(key), this.#scrubValue(value)] as const)
    const isSame = clean.every(([key, value], index) => key === entries[index]![0] && value === entries[index]![1])
    return isSame ? object : Object.fromEntries(clean)
  }

  /**
   * Hides what it can in a text that may go on. However a text is cut into pieces, the same comes out of it.
   * @param hidden how much at its beginning is hidden already
   * @param isAll whether nothing follows: then all of it is decided
   */
  scan(text: string, hidden: number, isAll: boolean): Scanned {
    let clean = ''
    let copied = hidden
    let from = 0
    for (;;) {
      const found = this.#index.find(text, from, isAll)
      const at = found?.at ?? text.length
      if (found?.length === undefined) {
        if (at > copied) clean += text.slice(copied, at)
        return { clean, rest: text.slice(at), hidden: Math.max(0, copied - at) }
      }
      const end = at + found.length
      // Where two overlap, both are hidden.
      if (end > copied) {
        if (at >= copied) clean += text.slice(copied, at) + HIDDEN
        copied = end
      }
      from = at + 1
    }
  }
}

/** A text that comes in pieces. What may be the beginning of a secret is held back until more of it is known. */
export class ScrubbedStream {
  readonly #scrubber: Scrubber
  #rest = ''
  #hidden = 0

  constructor(scrubber: Scrubber) {
    this.#scrubber = scrubber
  }

  /** @returns what can be let through by now; may be empty */
  push(piece: string): string {
    return this.#scan(this.#rest + piece, false)
  }

  /** @returns the rest */
  end(): string {
    return this.#scan(this.#rest, true)
  }

  #scan(text: string, isAll: boolean): string {
    const { clean, rest, hidden } = this.#scrubber.scan(text, this.#hidden, isAll)
    this.#rest = rest
    this.#hidden = hidden
    return clean
  }
}
