import { openConnections } from './connections.ts'
import { Exchange, type AnswerLimits } from './exchange.ts'
import { once } from './once.ts'
import type { Fetch } from './provider.ts'

const DEFAULT_LIMITS: AnswerLimits = { answer: 100_000_000, line: 10_000_000, refusal: 65_536 }

/**
 * The `fetch` that provider packages are given. It differs from Node's own in what it does not do: read more of an answer
 * than `limits` say, follow redirects (the key would go along), give up by timeouts of its own, or keep everybody waiting
 * for a large answer. It is also half of the CPU of a call. A body is sent as text; there are no other requests.
 */
export function createTransport(limits: Partial<AnswerLimits> = {}, open = openConnections): Fetch {
  const connections = once(() => open())
  const all = { ...DEFAULT_LIMITS, ...limits }
  return async (input, { method = 'GET', headers, body, signal } = {}) => {
    const { protocol, origin, pathname, search } = new URL(input as string | URL)
    if (!/^https?:$/.test(protocol)) throw new TypeError(`Invalid URL: a model server is reached by http or https, not by ${protocol}`)
    const dispatcher = await connections()
    signal?.throwIfAborted()
    const exchange = new Exchange(all, signal ?? undefined)
    dispatcher.dispatch(
      {
        origin,
        path: pathname + search,
        method,
        headers: { accept: '*/*', 'accept-encoding': 'identity', ...(headers as Record<string, string>) },
        body: body as string,
      },
      exchange,
    )
    return exchange.response
  }
}
