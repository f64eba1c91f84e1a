import { OutgoingAnswerUnreadable, OutgoingRequestInvalid, OutgoingTimedOut, RedirectNotFollowed, type StudioError } from '../errors.ts'
import { Answer } from './answer.ts'
import { canUnpack } from './content-decoder.ts'
import { Exchange, type AnswerHead, type Dispatch } from './exchange.ts'
import { outgoingError, type Asked } from './failure.ts'
import { OutgoingError } from './outgoing-error.ts'
import { OWN_HEADERS, type OutgoingLimits, type OutgoingRequest } from './outgoing.ts'
import { redirectedHop, type Hop } from './redirect.ts'
import { readTarget } from './target.ts'

/** Sends a request, and what its redirects make of it, until somebody answers. */
export function follow(asked: OutgoingRequest, limits: OutgoingLimits, dispatch: Dispatch): Promise<Answer> {
  return new Call(firstHop(asked), limits, asked.signal ?? undefined).answer(dispatch)
}

/** Its rest is not worth a connection that waits for it. */
const leadsElsewhere = new Error('The answer leads elsewhere.')

/** One request with all its redirects: what is under way of it, and what ends it. */
class Call {
  readonly #limits: OutgoingLimits
  readonly #signal: AbortSignal | undefined
  /** As messages show it: what came by redirects, its caller has not written. */
  readonly #origin: string
  #hop: Hop
  #redirects = 0
  #exchange: Exchange | undefined
  #timer: NodeJS.Timeout | undefined
  #reason: Error | undefined
  readonly #abort = (): void => this.#giveUp(this.#signal!.reason as Error)

  constructor(hop: Hop, limits: OutgoingLimits, signal: AbortSignal | undefined) {
    this.#hop = hop
    this.#origin = hop.url.origin
    this.#limits = limits
    this.#signal = signal
  }

  async answer(dispatch: Dispatch): Promise<Answer> {
    this.#signal?.throwIfAborted()
    this.#signal?.addEventListener('abort', this.#abort)
    const { totalMs } = this.#limits
    if (totalMs !== null) this.#timer = setTimeout(() => this.#giveUp(this.#timedOut('end', totalMs)), totalMs)
    try {
      for (;;) {
        const exchange = this.#open()
        const head = await this.#send(exchange, dispatch)
        const next = this.#limits.redirects === 0 ? undefined : redirectedHop(this.#hop, head, this.#asked)
        if (!next) return this.#answerOf(exchange, head)
        exchange.abort(leadsElsewhere)
        if (this.#redirects === this.#limits.redirects) throw this.#tooManyRedirects()
        this.#redirects++
        this.#hop = next
      }
    } catch (error) {
      this.#exchange?.abort(error as Error)
      this.#end()
      throw this.#translated(error as Error)
    }
  }

  #open(): Exchange {
    if (this.#reason) throw this.#reason
    const exchange: Exchange = new Exchange({
      limitOf: () => ({ bytes: this.#limits.bytes, line: undefined, beyond: 'failure' }),
      lenient: false,
      translate: (error) => this.#translated(error),
    })
    this.#exchange = exchange
    return exchange
  }

  async #send(exchange: Exchange, dispatch: Dispatch): Promise<AnswerHead> {
    const { url, method, headers, body } = this.#hop
    const { firstByteMs } = this.#limits
    const timer = setTimeout(() => exchange.abort(this.#timedOut('beginning', firstByteMs)), firstByteMs)
    try {
      return await exchange.send(dispatch, { origin: url.origin, path: url.pathname + url.search, method, headers, body })
    } finally {
      clearTimeout(timer)
    }
  }

  #answerOf(exchange: Exchange, head: AnswerHead): Answer {
    const encoding = String(head.headers['content-encoding'] ?? '')
    if (head.body && !canUnpack(encoding)) {
      const reason = `it is packed as '${encoding.slice(0, 100)}', which is not known here.`
      throw final(new OutgoingAnswerUnreadable({ ...this.#asked, reason }))
    }
    exchange.onOver(() => this.#end())
    return new Answer(head, { url: this.#hop.url.href, redirected: this.#redirects > 0 })
  }

  #giveUp(reason: Error): void {
    this.#reason ??= reason
    this.#exchange?.abort(reason)
  }

  #end(): void {
    clearTimeout(this.#timer)
    this.#signal?.removeEventListener('abort', this.#abort)
  }

  #translated(error: Error): Error {
    return this.#signal?.aborted ? (this.#signal.reason as Error) : outgoingError(error, this.#asked)
  }

  get #asked(): Asked {
    return { origin: this.#origin, ...(this.#redirects > 0 && { redirected: true }) }
  }

  #timedOut(phase: 'beginning' | 'end', ms: number): OutgoingError {
    return new OutgoingError(new OutgoingTimedOut({ ...this.#asked, seconds: ms / 1_000, phase }), { retryable: true })
  }

  #tooManyRedirects(): OutgoingError {
    const { redirects } = this.#limits
    const reason = `${redirects} ${redirects === 1 ? 'was' : 'were'} followed already, which is the limit.`
    return final(new RedirectNotFollowed({ ...this.#asked, reason }))
  }
}

/** They belong to the connection, or say what the body and the URL say. */
const notForCallers = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** @throws OutgoingError that says what is wrong */
function firstHop({ url, method = 'GET', headers = {}, body = null }: OutgoingRequest): Hop {
  const pairs = Symbol.iterator in headers ? [...headers] : Object.entries(headers)
  const named = Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), value]))
  const forbidden = Object.keys(named).find((name) => notForCallers.has(name))
  if (forbidden !== undefined) throw invalid(`The header ${forbidden} is not for a workflow to set.`)
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(method) || /^(CONNECT|TRACE|TRACK)$/i.test(method))
    throw invalid(`'${method.slice(0, 100)}' is no method that a request can have here.`)
  return { url: readTarget(String(url)), method: method.toUpperCase(), headers: { ...OWN_HEADERS, ...named }, body }
}

function invalid(reason: string): OutgoingError {
  return final(new OutgoingRequestInvalid({ reason }))
}

function final(error: StudioError): OutgoingError {
  return new OutgoingError(error, { retryable: false })
}
