/**
 * Collects a text that arrives in pieces and passes each on at once. A piece never ends within a surrogate pair: a
 * trailing high surrogate waits for the next piece, and one that stays alone becomes U+FFFD, since half a pair can neither
 * be sent as UTF-8 nor stored. What was passed on is exactly what `end` returns.
 */
export class TextPieces {
  readonly #onText: (piece: string) => void
  readonly #pieces: string[] = []
  #held = ''

  constructor(onText: (piece: string) => void) {
    this.#onText = onText
  }

  add(text: string): void {
    const whole = this.#held + text
    this.#held = endsWithinPair(whole) ? whole.slice(-1) : ''
    this.#pass(this.#held ? whole.slice(0, -1) : whole)
  }

  /** Passes on what was held back, and returns the whole text. */
  end(): string {
    this.#pass(this.#held)
    this.#held = ''
    return this.#pieces.join('')
  }

  #pass(text: string): void {
    if (!text) return
    const piece = text.toWellFormed()
    this.#pieces.push(piece)
    this.#onText(piece)
  }
}

function endsWithinPair(text: string): boolean {
  const last = text.charCodeAt(text.length - 1)
  return last >= 0xd800 && last <= 0xdbff
}
