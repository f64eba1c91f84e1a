import { outgoingError } from '../outgoing/failure.ts'
import type { Outgoing } from '../outgoing/outgoing.ts'
import type { ModelAnswer, ModelRequest } from './model.ts'
import { bearer, createAdapters, type Adapters } from './openai.ts'
import type { Fetch } from './provider.ts'
import type { Secrets } from './secrets.ts'
import { streamedAnswer } from './streamed-answer.ts'
import { createTransport } from './transport.ts'

const MOST_KEPT = 100

/**
 * Calls the OpenAI-compatible servers that agents name themselves (`base_url`). Whoever may write a workflow may name any: so
 * none of the configured keys goes there, only the one that comes with the request, and where it is must be allowed.
 * @param fetch has to check that
 */
export function namedServers(secrets: Secrets, fetch: Fetch): (name: string, request: ModelRequest) => Promise<ModelAnswer> {
  const servers = new Map<string, Adapters>()
  const serverAt = (url: string): Adapters => {
    const known = servers.get(url)
    if (known) return known
    if (servers.size >= MOST_KEPT) servers.clear()
    const made = createAdapters('openai', { url, authorization: undefined, secrets: [] }, undefined, fetch)
    servers.set(url, made)
    return made
  }
  return async (name, request) => {
    const { own, compatible } = serverAt(request.base_url!.replace(/\/+$/, ''))
    const model = request.api === 'responses' ? own(name, 'responses') : compatible(name)
    return streamedAnswer(await model, request, secrets, bearer(request.key))
  }
}

/** The `fetch` for servers that somebody else than the operator has chosen. */
export function checkedTransport(outgoing: Pick<Outgoing, 'connections'>): Fetch {
  return createTransport(
    {},
    () => outgoing.connections(),
    (error, origin) => outgoingError(error, { origin }),
  )
}
