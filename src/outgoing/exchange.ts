import type { Transform } from 'node:stream'
import type { Dispatcher } from 'undici'
import { AnswerBody, type BodyLimit } from './answer-body.ts'
import { contentDecoder } from './content-decoder.ts'

/**
 * Sends a request; what comes of it is told to the handler.
 * @returns closes its connection, in whatever state it is; the handler may do so itself once the request has begun
 */
export type Dispatch = (options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler) => () => void

export interface AnswerHead {
  status: number
  /** Empty where the server's own is not printable. */
  phrase: string
  /** By names in lower case. One that came several times is a list. */
  headers: AnswerHeaders
  /** Null where there can be none. */
  body: ReadableStream<Uint8Array> | null
}

export type AnswerHeaders = Record<string, string | string[] | undefined>

export interface ExchangeOptions {
  /** What may be read of an answer of that status. */
  limitOf(status: number): BodyLimit
  /** Whether a packed answer that ends too early is taken for whole. */
  lenient: boolean
  /** What the caller and the reader of the body get instead of an error. */
  translate?: (error: Error) => Error
}

// Fetch standard, "null body status": a Response refuses to have one.
const withoutBody = new Set([204, 205, 304])

/** Made once, since nobody sees it and a stack trace costs more than the rest. */
const stopped = new Error('The rest of the answer is not wanted.')

/** One request and what comes of it: undici's side of a call turned into an answer whose body is a stream. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #options: ExchangeOptions
  readonly #answer = Promise.withResolvers<AnswerHead>()
  #isHead = false
  #close: (() => void) | undefined
  #controller: Dispatcher.DispatchController | undefined
  #decoder: Transform | undefined
  #body: AnswerBody | undefined
  #limit: BodyLimit | undefined
  #packedBytes = 0
  /** Nobody waits for anything any more. */
  #over = false
  #tellOver: (() => void) | undefined

  constructor(options: ExchangeOptions) {
    this.#options = options
  }

  /** Told once, also afterwards: nothing more will come, and nothing is held any more. */
  onOver(tell: () => void): void {
    if (this.#over) tell()
    else this.#tellOver = tell
  }

  /** Rejects with what went wrong before there was an answer; what goes wrong later is an error of its body. */
  send(dispatch: Dispatch, options: Dispatcher.DispatchOptions): Promise<AnswerHead> {
    this.#isHead = options.method === 'HEAD'
    this.#close = dispatch(options, this)
    return this.#answer.promise
  }

  /** Ends it with this reason, wherever it is, and closes its connection. */
  abort(reason: Error): void {
    if (this.#over) return
    this.#fail(reason)
    this.#stop()
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    // Given up while it waited for its connection, which not everybody's can be interrupted in.
    if (this.#over) this.#stop()
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: AnswerHeaders, phrase = ''): void {
    if (status < 200) return
    const limit = this.#options.limitOf(status)
    if (!withoutBody.has(status) && !this.#isHead) this.#open(controller, headers, limit)
    this.#answer.resolve({ status, phrase: printable(phrase), headers, body: this.#body?.stream ?? null })
    if (limit.beyond === 'failure' && Number(headers['content-length']) > limit.bytes) this.#exceed()
  }

  onResponseData(controller: Dispatcher.DispatchController, bytes: Buffer): void {
    if (!this.#decoder) {
      this.#body?.take(bytes)
      return
    }
    this.#packedBytes += bytes.length
    // What is packed may be next to nothing, and there may be any amount of it.
    if (this.#packedBytes > this.#limit!.bytes) this.#exceed()
    else if (!this.#decoder.write(bytes)) controller.pause()
  }

  onResponseEnd(): void {
    if (this.#decoder) this.#decoder.end()
    else if (this.#body) this.#body.end()
    else this.#finish()
  }

  onResponseError(_: unknown, error: Error): void {
    if (!this.#over) this.#fail(error)
  }

  #open(controller: Dispatcher.DispatchController, headers: AnswerHeaders, limit: BodyLimit): void {
    const decoder = contentDecoder(String(headers['content-encoding'] ?? ''), this.#options)
    const source = decoder ?? controller
    const inflow = {
      pause: () => void source.pause(),
      resume: () => void source.resume(),
      stop: () => this.#stop(),
      translate: (error: Error) => this.#translated(error),
    }
    const body = new AnswerBody(inflow, limit, () => this.#finish())
    decoder
      ?.on('drain', () => controller.resume())
      .on('data', (bytes: Buffer) => body.take(bytes))
      .on('end', () => body.end())
      .on('error', ({ message }: Error) => {
        this.#fail(new AnswerNotUnpacked(message))
        this.#stop()
      })
    this.#body = body
    this.#decoder = decoder
    this.#limit = limit
  }

  #exceed(): void {
    this.#body?.exceed(this.#decoder ? 'The packed answer' : 'The answer')
  }

  #fail(error: Error): void {
    this.#answer.reject(this.#translated(error))
    this.#body?.fail(error)
    this.#finish()
  }

  #translated(error: Error): Error {
    return this.#options.translate?.(error) ?? error
  }

  #stop(): void {
    this.#decoder?.destroy()
    this.#controller?.abort(stopped)
    this.#close?.()
  }

  #finish(): void {
    if (this.#over) return
    this.#over = true
    this.#tellOver?.()
  }
}

export class AnswerNotUnpacked extends Error {
  override readonly name = 'AnswerNotUnpacked'

  constructor(why: string) {
    super(`The answer is not packed as it says it is: ${why}`)
  }
}

/** A header that came several times as one, in the way of RFC 9110 §5.3. */
export function joined(headers: AnswerHeaders): Record<string, string> {
  const plain: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) plain[name] = typeof value === 'string' ? value : (value ?? []).join(', ')
  return plain
}

/** Servers write into their reason phrase what they like, and a Response takes it only if it is as it should be. */
function printable(phrase: string): string {
  return /^[\t\x20-\x7e]*$/.test(phrase) ? phrase : ''
}
