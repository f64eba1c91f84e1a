/** A block of characters decides how far a search may skip. */
const BLOCK = 4

/** Compared with all forms at once: no more of each is looked up than this, so that the skips fit into bytes. */
const MOST_COMPARED = 64

/** Where a form stands in a text. `length` is undefined where the text ends before that is clear. */
export interface Found {
  at: number
  length: number | undefined
}

/**
 * Finds any of many texts in one pass, after Wu and Manber: the block at the end of a window says how far no form can begin,
 * and most blocks of ordinary text say that the whole window can be skipped. So more forms, unlike shorter ones, cost
 * hardly more.
 */
export class FormIndex {
  /** By their first block, the longest first. */
  readonly #forms = new Map<number, string[]>()
  /** What is shorter than a block, and may become the beginning of a form. */
  readonly #beginnings = new Set<string>()
  /** Of the shortest form, as far as it is compared. */
  readonly #window: number
  /** By a hash of a block, how many characters can be skipped that end with it. */
  readonly #skips: Uint8Array
  readonly #hashShift: number

  /** @param forms of 4 characters or more */
  constructor(forms: readonly string[]) {
    this.#window = forms.reduce((least, { length }) => Math.min(least, length), MOST_COMPARED)
    const blocks = forms.length * (this.#window - BLOCK + 1)
    // Four slots for each block; those of a thousand secrets still fit into the processor's cache.
    this.#hashShift = 32 - Math.min(20, Math.max(8, Math.ceil(Math.log2(blocks * 4 + 1))))
    this.#skips = new Uint8Array(2 ** (32 - this.#hashShift)).fill(this.#window - BLOCK + 1)
    for (const form of forms) this.#add(form)
    for (const list of this.#forms.values()) list.sort((a, b) => b.length - a.length)
  }

  get isEmpty(): boolean {
    return this.#forms.size === 0
  }

  /**
   * The first form that stands there or further on, the longest of several.
   * @param isAll whether nothing follows the text: then it cannot end within a form
   */
  find(text: string, from: number, isAll: boolean): Found | undefined {
    if (this.isEmpty) return undefined
    const { length } = text
    const skips = this.#skips
    const hashShift = this.#hashShift
    let end = from + this.#window
    while (end <= length) {
      const skip = skips[hash(blockAt(text, end - BLOCK)) >>> hashShift]!
      if (skip > 0) {
        end += skip
        continue
      }
      const found = this.#match(text, end - this.#window, isAll)
      if (found) return found
      end++
    }
    return isAll ? undefined : this.#findBeginning(text, Math.max(from, length - this.#window + 1))
  }

  /** The last characters, too few for a whole form, may be the beginning of one. */
  #findBeginning(text: string, from: number): Found | undefined {
    const wholeBlocks = text.length - BLOCK
    let at = from
    for (; at <= wholeBlocks; at++) {
      const found = this.#match(text, at, false)
      if (found) return found
    }
    for (; at < text.length; at++) if (this.#beginnings.has(text.slice(at))) return { at, length: undefined }
    return undefined
  }

  #match(text: string, at: number, isAll: boolean): Found | undefined {
    const forms = this.#forms.get(blockAt(text, at))
    if (!forms) return undefined
    const left = text.length - at
    let rest: string | undefined
    for (const form of forms) {
      if (form.length <= left) {
        if (text.startsWith(form, at)) return { at, length: form.length }
      } else if (!isAll && form.startsWith((rest ??= text.slice(at)))) return { at, length: undefined }
    }
    return undefined
  }

  #add(form: string): void {
    const first = blockAt(form, 0)
    const list = this.#forms.get(first)
    if (list) list.push(form)
    else this.#forms.set(first, [form])
    for (let length = 1; length < BLOCK; length++) this.#beginnings.add(form.slice(0, length))
    for (let end = BLOCK; end <= this.#window; end++) {
      const slot = hash(blockAt(form, end - BLOCK)) >>> this.#hashShift
      this.#skips[slot] = Math.min(this.#skips[slot]!, this.#window - end)
    }
  }
}

/** Of each character its lower half: what another alphabet shares with it is told apart when the whole form is compared. */
function blockAt(text: string, at: number): number {
  return (
    ((text.charCodeAt(at) & 0xff) << 24) |
    ((text.charCodeAt(at + 1) & 0xff) << 16) |
    ((text.charCodeAt(at + 2) & 0xff) << 8) |
    (text.charCodeAt(at + 3) & 0xff)
  )
}

/** Its upper bits depend on all of the block. */
function hash(block: number): number {
  return Math.imul(block ^ (block >>> 15), 0x9e3779b1)
}
