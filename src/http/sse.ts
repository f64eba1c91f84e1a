import type { Server, ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'
import { toldOrigins } from './cross-origin.ts'
import { toldLimits } from './limit-fields.ts'
import { SECURITY_HEADERS } from './security-headers.ts'

/** Answers that are streams of server-sent events (WHATWG HTML §9.2). */

export interface EventStreamOptions {
  /** Further headers of the answer. */
  headers?: Record<string, string>
  /** Milliseconds between comments that keep proxies from closing a silent connection. */
  keepAlive?: number
  /** Milliseconds, more than `keepAlive`; a client that takes nothing of what waits for it is cut off after twice as long at most. */
  patience?: number
  /** Whether the client may have what comes, which may end while the stream is open. Asked once a second at most. */
  isWelcome?: () => boolean
}

/** Milliseconds for which a client that was welcome is so without being asked about. */
const WELCOME_MS = 1_000

interface ServedStreams {
  open: Set<EventStream>
  /** The server stops: those that come later end at once, or it would wait for them. */
  ending: boolean
}

const served = new WeakMap<Server, ServedStreams>()

function streamsOf(server: Server): ServedStreams {
  const streams = served.get(server) ?? { open: new Set(), ending: false }
  served.set(server, streams)
  return streams
}

/**
 * Takes the answer out of Fastify's hands and begins a stream on it. Nothing here throws or rejects once the client has
 * left. Whoever writes waits for `drain()` where `write` says false, or the events of a stalled client fill the memory.
 */
export function openEventStream(reply: FastifyReply, options: EventStreamOptions = {}): EventStream {
  reply.hijack()
  const { open, ending } = streamsOf(reply.server.server)
  const stream = new EventStream(reply.raw, { ...options, headers: { ...toldLimits(reply), ...toldOrigins(reply), ...options.headers } })
  open.add(stream)
  stream.onClose(() => open.delete(stream))
  // A HEAD asks for the headers alone.
  if (reply.request.method === 'HEAD') stream.end()
  if (ending) stream.breakOff()
  return stream
}

/** Breaks off every stream of a server that closes, which waits for them, and those that still come. */
export function endEventStreams(server: Server): void {
  const streams = streamsOf(server)
  streams.ending = true
  for (const stream of streams.open) stream.breakOff()
}

export function countEventStreams(server: Server): number {
  return streamsOf(server).open.size
}

/** When a client whose stream was broken off should come back, at the earliest; at the latest after twice as long. */
const COME_BACK_MS = 1_000

/** One event as it goes over the wire, with one space after each colon, since some clients cut at fixed offsets. */
export function formatEvent(id: number, event: object): string {
  return `id: ${id}\ndata: ${toAscii(JSON.stringify(event))}\n\n`
}

export class EventStream {
  private readonly response: ServerResponse
  private readonly keepAlive: NodeJS.Timeout
  private readonly welcome: () => boolean
  private welcomeUntil = performance.now() + WELCOME_MS
  private closed = false

  constructor(response: ServerResponse, options: EventStreamOptions) {
    const { headers = {}, keepAlive = 15_000, patience = 60_000, isWelcome = () => true } = options
    this.response = response
    this.welcome = isWelcome
    // Written to a socket that the client has closed meanwhile: `close` follows, which is all that matters here.
    response.on('error', () => {})
    response.on('close', () => this.stop())
    response.writeHead(200, {
      ...SECURITY_HEADERS,
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-cache, no-transform',
      // nginx collects answers into buffers otherwise.
      'X-Accel-Buffering': 'no',
      ...headers,
    })
    response.flushHeaders()
    // Each comment begins the time anew; a stalled client gets none, and what it has not read would stay in the memory for
    // as long as it likes. Node looks whether the system took any bytes meanwhile, so one that is merely slow stays.
    response.setTimeout(patience, () => response.destroy())
    this.keepAlive = setInterval(() => this.comment(), keepAlive)
    this.keepAlive.unref()
    if (response.destroyed) this.stop()
  }

  get isClosed(): boolean {
    return this.closed
  }

  /** False where the caller should wait for `drain()` before it writes more, and after the stream has closed. */
  write(text: string): boolean {
    return !this.closed && this.isWelcome() && this.response.write(text)
  }

  /** Resolves once there is room again, or the stream has closed. */
  drain(): Promise<void> {
    if (this.closed || !this.response.writableNeedDrain) return Promise.resolve()
    return new Promise((resolve) => {
      const done = () => {
        this.response.off('drain', done)
        this.response.off('close', done)
        resolve()
      }
      this.response.on('drain', done)
      this.response.on('close', done)
    })
  }

  /** Calls back once: when the client has left, or the last byte has been handed over after `end()`. */
  onClose(listener: () => void): void {
    if (this.response.closed || this.response.destroyed) queueMicrotask(listener)
    else this.response.once('close', listener)
  }

  end(): void {
    if (this.closed) return
    this.stop()
    this.response.end()
  }

  /**
   * Ends before the last event, since this process lets go of the execution. The client is told to come back (with
   * `Last-Event-ID`, as the standard has it) when the next one is likely there, and not all of them in the same moment.
   */
  breakOff(): void {
    if (this.closed) return
    const ms = Math.round(COME_BACK_MS * (1 + Math.random()))
    // No event: without data it is none.
    this.response.write(`retry: ${ms}\n: to be continued; come back with Last-Event-ID\n\n`)
    this.end()
  }

  private comment(): void {
    // To a client that does not read, nothing more is sent.
    if (this.isWelcome() && !this.response.writableNeedDrain) this.write(': keepalive\n\n')
  }

  private isWelcome(): boolean {
    const now = performance.now()
    if (now < this.welcomeUntil) return true
    this.welcomeUntil = now + WELCOME_MS
    const isWelcome = this.welcome()
    if (!isWelcome) this.end()
    return isWelcome
  }

  private stop(): void {
    this.closed = true
    clearInterval(this.keepAlive)
  }
}

/** Made when first needed: a long answer has millions of a few. */
const escapes: string[] = []

/** Some clients read the stream as Latin-1, whatever the header says; escapes survive that. */
function toAscii(json: string): string {
  return json.replace(/[\u0080-\uffff]/g, (unit) => {
    const code = unit.charCodeAt(0)
    return (escapes[code] ??= `\\u${code.toString(16).padStart(4, '0')}`)
  })
}
