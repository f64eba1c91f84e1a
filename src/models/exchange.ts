import type { Transform } from 'node:stream'
import type { Dispatcher } from 'undici'
import { AnswerBody, type BodyLimit } from './answer-body.ts'
import { contentDecoder } from './content-decoder.ts'

/** All in bytes. */
export interface AnswerLimits {
  /** What an answer may have as it is sent: often fifty times its text, since each word comes in an event of its own. */
  answer: number
  /** What one line of it may have, which is all that is kept of it. */
  line: number
  /** What is read of an answer that is none, because the provider refuses, redirects or has failed. */
  refusal: number
}

type Headers = Record<string, string | string[] | undefined>

// Fetch standard, "null body status": a Response refuses to have one.
const withoutBody = new Set([204, 205, 304])

/** Made once, since nobody sees it and a stack trace costs more than the rest. */
const stopped = new Error('The rest of the answer is not wanted.')

/** One request and what comes of it: undici's side of a call turned into a `Response`. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #limits: AnswerLimits
  readonly #signal: AbortSignal | undefined
  readonly #response = Promise.withResolvers<Response>()
  #controller: Dispatcher.DispatchController | undefined
  #decoder: Transform | undefined
  #body: AnswerBody | undefined
  /** Nobody waits for anything any more. */
  #over = false
  readonly #abort = (): void => {
    this.#fail(this.#signal!.reason as Error)
    this.#stop()
  }

  constructor(limits: AnswerLimits, signal: AbortSignal | undefined) {
    this.#limits = limits
    this.#signal = signal
    signal?.addEventListener('abort', this.#abort)
  }

  /** Rejects with what went wrong before there was an answer; what goes wrong later is an error of its body. */
  get response(): Promise<Response> {
    return this.#response.promise
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    // Given up while it waited for its connection, which nobody can interrupt.
    if (this.#over) this.#stop()
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: Headers, phrase = ''): void {
    if (status < 200) return
    const { answer, line, refusal } = this.#limits
    const limit: BodyLimit =
      status < 300 ? { bytes: answer, line, beyond: 'failure' } : { bytes: refusal, line: refusal, beyond: 'of no interest' }
    if (!withoutBody.has(status)) this.#open(controller, headers, limit)
    const init = { status, statusText: printable(phrase), headers: joined(headers) }
    this.#response.resolve(new Response(this.#body?.stream ?? null, init))
  }

  onResponseData(controller: Dispatcher.DispatchController, bytes: Buffer): void {
    if (!this.#decoder) this.#body?.take(bytes)
    else if (!this.#decoder.write(bytes)) controller.pause()
  }

  onResponseEnd(): void {
    if (this.#decoder) this.#decoder.end()
    else if (this.#body) this.#body.end()
    else this.#finish()
  }

  onResponseError(_: unknown, error: Error): void {
    this.#fail(error)
  }

  #open(controller: Dispatcher.DispatchController, headers: Headers, limit: BodyLimit): void {
    const decoder = contentDecoder(String(headers['content-encoding'] ?? ''))
    const source = decoder ?? controller
    const inflow = { pause: () => void source.pause(), resume: () => void source.resume(), stop: () => this.#stop() }
    const body = new AnswerBody(inflow, limit, () => this.#finish())
    decoder
      ?.on('drain', () => controller.resume())
      .on('data', (bytes: Buffer) => body.take(bytes))
      .on('end', () => body.end())
      .on('error', ({ message }: Error) => {
        this.#fail(new Error(`The answer is not packed as it says it is: ${message}`))
        this.#stop()
      })
    this.#body = body
    this.#decoder = decoder
  }

  #fail(error: Error): void {
    this.#response.reject(error)
    this.#body?.fail(error)
    this.#finish()
  }

  #stop(): void {
    this.#decoder?.destroy()
    this.#controller?.abort(stopped)
  }

  #finish(): void {
    this.#over = true
    this.#signal?.removeEventListener('abort', this.#abort)
  }
}

/** A header that came several times as one, in the way of RFC 9110 §5.3. */
function joined(headers: Headers): Record<string, string> {
  const plain: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) plain[name] = typeof value === 'string' ? value : (value ?? []).join(', ')
  return plain
}

/** Servers write into their reason phrase what they like, and a Response takes it only if it is as it should be. */
function printable(phrase: string): string {
  return /^[\t\x20-\x7e]*$/.test(phrase) ? phrase : ''
}
