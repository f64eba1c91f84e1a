import { Exchange, joined, type Dispatch } from '../outgoing/exchange.ts'
import { openConnections } from './connections.ts'
import { once } from './once.ts'
import type { Fetch } from './provider.ts'

/** All in bytes. */
export interface AnswerLimits {
  /** What an answer may have as it is sent: often fifty times its text, since each word comes in an event of its own. */
  answer: number
  /** What one line of it may have, which is all that is kept of it. */
  line: number
  /** What is read of an answer that is none, because the provider refuses, redirects or has failed. */
  refusal: number
}

const DEFAULT_LIMITS: AnswerLimits = { answer: 100_000_000, line: 10_000_000, refusal: 65_536 }

/**
 * The `fetch` that provider packages are given. It differs from Node's own in what it does not do: read more of an answer
 * than `limits` say, follow redirects (the key would go along), give up by timeouts of its own, or keep everybody waiting
 * for a large answer. It is also half of the CPU of a call. A body is sent as text; there are no other requests.
 * @param translate what the caller gets instead of an error
 */
export function createTransport(
  limits: Partial<AnswerLimits> = {},
  open: () => Promise<Dispatch> = openConnections,
  translate?: (error: Error, origin: string) => Error,
): Fetch {
  const connections = once(() => open())
  const { answer, line, refusal } = { ...DEFAULT_LIMITS, ...limits }
  const limitOf = (status: number) =>
    status < 300
      ? { bytes: answer, line, beyond: 'failure' as const }
      : { bytes: refusal, line: refusal, beyond: 'of no interest' as const }
  return async (input, { method = 'GET', headers, body, signal } = {}) => {
    const { protocol, origin, pathname, search } = new URL(input as string | URL)
    if (!/^https?:$/.test(protocol)) throw new TypeError(`Invalid URL: a model server is reached by http or https, not by ${protocol}`)
    const dispatch = await connections()
    signal?.throwIfAborted()
    const abort = (): void => exchange.abort(signal!.reason as Error)
    // An answer that is not complete says so itself, by its missing finish reason.
    const exchange = new Exchange({ limitOf, lenient: true, ...(translate && { translate: (error) => translate(error, origin) }) })
    signal?.addEventListener('abort', abort)
    exchange.onOver(() => signal?.removeEventListener('abort', abort))
    const sent = exchange.send(dispatch, {
      origin,
      path: pathname + search,
      method,
      headers: { accept: '*/*', 'accept-encoding': 'identity', ...(headers as Record<string, string>) },
      body: body as string,
    })
    const { status, phrase, headers: given, body: stream } = await sent
    try {
      return new Response(stream, { status, statusText: phrase, headers: joined(given) })
    } catch (error) {
      exchange.abort(error as Error)
      throw error
    }
  }
}
