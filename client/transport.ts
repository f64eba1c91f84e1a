import { AnswerNotUnderstood, ServerUnreachable, StudioProblem, toProblem } from './problem.ts'

export interface TransportOptions {
  /** Where the server is, such as `http://localhost:8000`; a path before the API's own is kept. */
  url: string
  apiKey?: string | undefined
  /** How often a request is repeated that met a full or stopping server, or none. Default 4. */
  retries?: number | undefined
  /** Seconds. A server that asks to wait longer is taken at its word, and its answer is the error. Default 60. */
  longestWait?: number | undefined
  /** Told before each wait. */
  onRetry?: ((retry: Retry) => void) | undefined
  /** Milliseconds that a server may take for one answer. Default: as long as it wants. */
  answerWithin?: number | undefined
  /** Instead of the global one. */
  fetch?: typeof globalThis.fetch | undefined
}

export interface Retry {
  reason: Error
  /** Seconds until the next try. */
  wait: number
  /** How many tries there were. */
  attempt: number
}

export interface Question {
  method: string
  path: string
  query?: Readonly<Record<string, unknown>> | undefined
  body?: unknown
  headers?: Readonly<Record<string, string>> | undefined
  signal?: AbortSignal | undefined
}

/** One server, asked over fetch. Every failure is a `StudioError`, or what the signal was aborted with. */
export class Transport {
  readonly url: string
  readonly #options: TransportOptions

  constructor(options: TransportOptions) {
    this.url = options.url.replace(/\/+$/, '')
    // Fetch would say so with all of the key.
    if (!/^[\x21-\x7e]*$/.test(options.apiKey ?? '')) throw new TypeError('The API key has a space or a character in it that no key has.')
    this.#options = options
  }

  /**
   * Asks until there is an answer, or no sense in asking again. What changes something is sent with an `Idempotency-Key`, so that
   * it happens once however often it is sent.
   */
  async send(question: Question): Promise<Response> {
    const { retries = 4, longestWait = 60, onRetry } = this.#options
    const safe = repeatable(question)
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.ask(safe)
      } catch (error) {
        const wait = waitBefore(error, attempt)
        if (wait === undefined || attempt > retries || wait > longestWait) throw error
        onRetry?.({ reason: error as Error, wait, attempt })
        await pause(wait, question.signal)
      }
    }
  }

  /** Asks once. @throws StudioProblem for whatever is no success */
  async ask({ method, path, query, body, headers, signal }: Question): Promise<Response> {
    const { apiKey, answerWithin, fetch = globalThis.fetch } = this.#options
    const ends = [...(signal ? [signal] : []), ...(answerWithin === undefined ? [] : [AbortSignal.timeout(answerWithin)])]
    const url = this.url + path + toQuery(query)
    let response: Response
    try {
      response = await fetch(url, {
        method,
        headers: {
          accept: 'application/json, text/event-stream, application/problem+json',
          ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...inLowerCase(headers),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        ...(ends.length > 0 && { signal: AbortSignal.any(ends) }),
        // A POST would become a GET, and a key would go where it was not meant to.
        redirect: 'manual',
      })
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      throw new ServerUnreachable(this.url, error)
    }
    if (response.ok) return response
    throw await this.#refusal(response, url)
  }

  async #refusal(response: Response, url: string): Promise<Error> {
    const text = await response.text().catch(() => '')
    const problem = toProblem(parse(text))
    const seconds = retryAfterOf(response.headers.get('retry-after'))
    if (problem) {
      const stated = problem['request_id']
      const requestId = response.headers.get('x-request-id') ?? (typeof stated === 'string' ? stated : undefined)
      return new StudioProblem(problem, { requestId, retryAfter: seconds })
    }
    const location = response.headers.get('location')
    if (location !== null || response.type === 'opaqueredirect')
      return new AnswerNotUnderstood(url, response.status, `a redirect${location === null ? '' : ` to ${location}`}`)
    const type = response.headers.get('content-type') ?? 'nothing'
    // What stands in front of a server says that it is not there.
    if ([502, 503, 504].includes(response.status))
      return new ServerUnreachable(this.url, new Error(`what is in front of it answered ${response.status}`))
    return new AnswerNotUnderstood(url, response.status, type)
  }
}

/** @returns the answer's JSON. @throws AnswerNotUnderstood */
export async function readJson(response: Response): Promise<unknown> {
  const text = await response.text().catch((error: unknown) => {
    throw new ServerUnreachable(response.url, error)
  })
  if (text === '') return undefined
  const value = parse(text)
  if (value === undefined) throw new AnswerNotUnderstood(response.url, response.status, response.headers.get('content-type') ?? 'nothing')
  return value
}

/** After so many seconds, or with the reason of the signal. */
export function pause(seconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const leave = (): void => {
      clearTimeout(timer)
      reject(signal!.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', leave)
      resolve()
    }, seconds * 1_000)
    signal?.addEventListener('abort', leave, { once: true })
  })
}

/** 0.5, 1, 2, 4 … seconds, up to a tenth more, so that clients that failed together do not come back together. */
export function backoff(attempt: number): number {
  return Math.min(30, 0.5 * 2 ** (attempt - 1)) * (1 + Math.random() / 10)
}

/** @returns how long to wait before it is asked again, in seconds; undefined where asking again changes nothing */
export function waitBefore(error: unknown, attempt: number): number | undefined {
  if (error instanceof ServerUnreachable) return backoff(attempt)
  if (!(error instanceof StudioProblem)) return undefined
  // A server that stops will not be there before that; what is still in progress has its answer soon.
  const temporary = error.status === 429 || error.status === 503 || error.code === 'idempotency_in_progress'
  if (!temporary || LASTING.has(error.code)) return undefined
  return error.retryAfter ?? backoff(attempt)
}

/** 503 until somebody changes the settings. */
const LASTING = new Set(['secrets_not_configured', 'secret_key_unusable', 'storage_unknown'])

/** With a key of its own, where sending it twice could have its effect twice. */
export function repeatable(question: Question): Question {
  if (question.method !== 'POST') return question
  return { ...question, headers: { 'idempotency-key': newKey(), ...inLowerCase(question.headers) } }
}

/** Their names are the same in any case, but fetch would send two spellings as one header with both values, a key of its own among them. */
export function inLowerCase(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

/** Not `randomUUID`, which browsers have only for pages that came over TLS. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function toQuery(query: Readonly<Record<string, unknown>> = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined)
  return given.length === 0 ? '' : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()}`
}

/** RFC 9110 §10.2.3: seconds or a date. */
function retryAfterOf(header: string | null): number | undefined {
  if (header === null) return undefined
  if (/^\d+$/.test(header)) return Number(header)
  const at = Date.parse(header)
  return Number.isNaN(at) ? undefined : Math.max(0, (at - Date.now()) / 1_000)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
