import type { Answer, OutgoingLimits, OutgoingRequest } from './outgoing.ts'

type FetchInput = Parameters<typeof globalThis.fetch>[0]

/** A call in the words of the Fetch standard. */
export async function fetchBy(
  request: (asked: OutgoingRequest) => Promise<Answer>,
  limits: Partial<OutgoingLimits> | undefined,
  input: FetchInput,
  init: RequestInit = {},
): Promise<Response> {
  const base = input instanceof Request ? input : undefined
  const redirect = init.redirect ?? base?.redirect ?? 'follow'
  const { headers, body } = await bodyOf(init, base)
  const answer = await request({
    url: base ? base.url : (input as string | URL),
    method: init.method ?? base?.method ?? 'GET',
    headers,
    body,
    signal: init.signal ?? base?.signal,
    limits: { ...limits, ...(redirect !== 'follow' && { redirects: 0 }) },
  })
  if (redirect === 'error' && answer.headers['location'] !== undefined && answer.status >= 300 && answer.status < 400) {
    await answer.discard()
    throw new TypeError('The answer is a redirect, which the caller does not want.')
  }
  return responseOf(answer)
}

/** The body whole, since a redirect may need it again, and the headers with what its kind says of it. */
async function bodyOf(init: RequestInit, base: Request | undefined): Promise<{ headers: Headers; body: string | Uint8Array | null }> {
  const headers = new Headers(init.headers ?? base?.headers)
  const given = init.body ?? null
  if (given === null) return { headers, body: base?.body ? await base.bytes() : null }
  if (typeof given === 'string' || given instanceof Uint8Array) {
    // Fetch standard, "extract a body": text without a type is plain text.
    if (typeof given === 'string' && !headers.has('content-type')) headers.set('content-type', 'text/plain;charset=UTF-8')
    return { headers, body: given }
  }
  const read = new Response(given)
  const type = read.headers.get('content-type')
  if (type !== null && !headers.has('content-type')) headers.set('content-type', type)
  return { headers, body: await read.bytes() }
}

function responseOf({ status, phrase, headers, cookies, body, url, redirected }: Answer): Response {
  const all = new Headers(headers)
  for (const cookie of cookies) all.append('set-cookie', cookie)
  const response = new Response(body, { status, statusText: phrase, headers: all })
  // A Response that was made has none of these, and its own cannot be set.
  return Object.defineProperties(response, { url: { value: url }, redirected: { value: redirected } })
}
