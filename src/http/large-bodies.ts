import type { IncomingMessage, ServerResponse } from 'node:http'
import { ServerBusy } from '../errors.ts'

/** A body that is larger is large. A thousand others are not worth counting. */
const LARGE_BYTES = 65_536

/** Seconds. */
const RETRY_AFTER = 1

/**
 * Counts the large bodies of requests that are being answered: each is in memory until then, several times over, and who waits
 * for an execution may wait for an hour.
 */
export class LargeBodies {
  readonly #most: number
  #bytes = 0
  readonly #sizes = new WeakMap<IncomingMessage, number>()

  /** @param most bytes that they may take together */
  constructor(most: number) {
    this.#most = most
  }

  /** @throws ServerBusy when there is no room for one more */
  admit(request: IncomingMessage, bytes: number): void {
    if (bytes <= LARGE_BYTES) return
    if (this.#bytes + bytes > this.#most) throw new ServerBusy({ retry_after: RETRY_AFTER })
    this.#sizes.set(request, bytes)
  }

  /** Called for every request, once its body is read. */
  holdUntilAnswered(request: IncomingMessage, response: ServerResponse): void {
    const bytes = this.#sizes.get(request)
    if (bytes === undefined) return
    this.#bytes += bytes
    response.once('close', () => (this.#bytes -= bytes))
  }
}
