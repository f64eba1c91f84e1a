import { RedirectNotFollowed } from '../errors.ts'
import type { AnswerHead } from './exchange.ts'
import type { Asked } from './failure.ts'
import { OutgoingError } from './outgoing-error.ts'
import { faultOfUrl } from './target.ts'

/** One of the requests that a request becomes by redirects. */
export interface Hop {
  url: URL
  method: string
  /** By names in lower case. */
  headers: Record<string, string>
  body: Uint8Array | string | null
}

/** RFC 9110 §15.4. The others (300, 304…) are answers of their own. */
const redirections = new Set([301, 302, 303, 307, 308])

/** Headers that say nothing of who asks. All others are meant for the server that they were written for, whatever they are named. */
const forEverybody = new Set(['accept', 'accept-encoding', 'accept-language', 'user-agent'])
const ofTheBody = new Set(['content-type', 'content-language', 'content-encoding'])

/**
 * The request that an answer asks for instead.
 * @returns undefined where it is no redirect
 * @throws OutgoingError for one that is not followed
 */
export function redirectedHop(hop: Hop, { status, headers }: Pick<AnswerHead, 'status' | 'headers'>, asked: Asked): Hop | undefined {
  const refused = (reason: string): OutgoingError => new OutgoingError(new RedirectNotFollowed({ ...asked, reason }), { retryable: false })
  const location = headers['location']
  if (!redirections.has(status) || location === undefined) return undefined
  if (typeof location !== 'string') throw refused('it names several places.')
  const url = URL.parse(location, hop.url)
  if (!url) throw refused('where it leads to is no URL.')
  const fault = faultOfUrl(url.href)
  if (fault !== undefined) throw refused(`where it leads to cannot be called: ${fault}.`)
  if (hop.url.protocol === 'https:' && url.protocol === 'http:')
    throw refused('it leads from https to http, where everybody can read along.')
  url.hash = ''
  const { method, body } = rewritten(hop, status)
  const kept = Object.entries(hop.headers).filter(
    ([name]) => (body !== null || !ofTheBody.has(name)) && (url.origin === hop.url.origin || forEverybody.has(name) || ofTheBody.has(name)),
  )
  return { url, method, body, headers: Object.fromEntries(kept) }
}

/** RFC 9110 §15.4.2 to §15.4.4, as all clients do it: what was posted is not posted again, unless the status says so. */
function rewritten({ method, body }: Hop, status: number): Pick<Hop, 'method' | 'body'> {
  const asGet = status === 303 ? method !== 'GET' && method !== 'HEAD' : status < 303 && method === 'POST'
  return asGet ? { method: 'GET', body: null } : { method, body }
}
