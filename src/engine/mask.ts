import { deserializeError, type StudioError } from '../errors.ts'
import { ScrubbedStream } from '../secrets/scrubber.ts'
import type { Masks } from '../secrets/secrets.ts'

/**
 * Hides the secrets of an environment in what an execution records, streams and asks models. Where there are none, all of it
 * is passed on as it is.
 */
export class Mask {
  readonly #masks: Masks
  readonly #environment: string

  constructor(masks: Masks, environment: string) {
    this.#masks = masks
    this.#environment = environment
  }

  /** To be waited for before the first use, where it is something to wait for. */
  ready(): Promise<void> | undefined {
    return this.#masks.ready(this.#environment)
  }

  /** The value itself where nothing in it is to be hidden. @param value as JSON can hold it */
  of<Value>(value: Value): Value {
    return this.#masks.of(this.#environment)?.scrubAll(value) ?? value
  }

  error(error: StudioError): StudioError {
    const details = this.of(error.details)
    return details === error.details ? error : deserializeError({ code: error.code, details })
  }

  stream(): MaskedStream {
    return new MaskedStream(this.#masks, this.#environment)
  }
}

/** Text in pieces. What may be the beginning of a secret is held back until it is clear. */
export class MaskedStream {
  readonly #masks: Masks
  readonly #environment: string
  #stream: ScrubbedStream | undefined

  constructor(masks: Masks, environment: string) {
    this.#masks = masks
    this.#environment = environment
  }

  /** @returns what can go out by now */
  push(text: string): string {
    if (!this.#stream) {
      // Asked with the first piece, when the secrets that the step uses are known.
      const scrubber = this.#masks.of(this.#environment)
      if (!scrubber) return text
      this.#stream = new ScrubbedStream(scrubber)
    }
    return this.#stream.push(text)
  }

  /** @returns the rest */
  end(): string {
    return this.#stream?.end() ?? ''
  }
}
