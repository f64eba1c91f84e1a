/** Differences that are listed; all are counted. */
const MOST = 2_000
/** Characters of all that is shown of them. */
const MOST_CHARACTERS = 1_000_000
/** Characters of one value or text. */
const MOST_OF_ONE = 20_000
/** Time that comparing texts may take in all. What is not compared by then is given as it begins. */
const TEXT_MS = 250

/** What one comparison may still show, and take. */
export class Budget {
  #left = MOST
  #characters = MOST_CHARACTERS
  #textMs = TEXT_MS
  #exceeded = false

  /** Whether there is more than is shown. */
  get isExceeded(): boolean {
    return this.#exceeded
  }

  /** Whether one more may be listed. */
  takeOne(): boolean {
    if (this.#left > 0) {
      this.#left--
      return true
    }
    this.#exceeded = true
    return false
  }

  /** @returns how many of so many characters of one thing may be shown */
  takeCharacters(wanted: number): number {
    const given = Math.min(wanted, MOST_OF_ONE, this.#characters)
    this.#characters -= given
    if (given < wanted) this.#exceeded = true
    return given
  }

  /** Milliseconds that are left for comparing texts. */
  get textMs(): number {
    return this.#textMs
  }

  spendTextMs(spent: number): void {
    this.#textMs = Math.max(0, this.#textMs - spent)
  }
}
