import { AttemptFailed } from '../../attempt-failed.ts'
import { StepInputInvalid, StepOutputInvalid } from '../../errors.ts'

/** What a config says of a request, filled in. */
export interface FilledRequest {
  url: unknown
  headers: Record<string, unknown>
  query: Record<string, unknown>
  body?: unknown
}

/** @throws StepInputInvalid where there is no address */
export function buildMessage(
  { url, headers, query, body }: FilledRequest,
  id: string,
): { url: URL; headers: Record<string, string>; body: string | null } {
  if (typeof url !== 'string' || !URL.canParse(url))
    throw new StepInputInvalid({ step_id: id, what: `'url' is no complete address such as https://example.org/orders` })
  const address = new URL(url)
  for (const [name, value] of Object.entries(query)) {
    for (const one of [value].flat())
      if (one !== null) address.searchParams.append(name, typeof one === 'string' ? one : JSON.stringify(one))
  }
  const sent = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), typeof value === 'string' ? value : JSON.stringify(value)]),
  )
  if (body === undefined || body === null) return { url: address, headers: sent, body: null }
  if (typeof body === 'string') return { url: address, headers: { 'content-type': 'text/plain; charset=utf-8', ...sent }, body }
  return { url: address, headers: { 'content-type': 'application/json', ...sent }, body: JSON.stringify(body) }
}

/** @throws AttemptFailed where it should be JSON and is not */
export function readBody(text: string, type: string, parse: 'auto' | 'json' | 'text', id: string): unknown {
  const isJson = parse === 'json' || (parse === 'auto' && /^application\/(.+\+)?json\b/i.test(type))
  if (!isJson || (text === '' && parse === 'auto')) return text
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new AttemptFailed(new StepOutputInvalid({ step_id: id, what: 'its body is no JSON' }), { retryable: false })
  }
}
