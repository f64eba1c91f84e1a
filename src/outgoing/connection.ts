import type { Socket } from 'node:net'
import type { buildConnector as Connector, Client, Dispatcher } from 'undici'
import { connectTo, ConnectTimeout, type Destination, type Way } from './connect.ts'

/** What one server may ask of us before there is an answer. Bytes. */
const MOST_HEADERS = 16_384
/** How long a connection is kept for the next request, also where its server would keep it for longer. Milliseconds. */
const KEPT_IDLE_MS = 4_000
const CONNECT_MS = 10_000

export interface ConnectionOptions {
  client: typeof Client
  way: Way
  connectMs?: number
  /** Told once, when it can serve no more: it was closed from either side. */
  onClosed(connection: Connection): void
}

/** A connection to one origin that serves one request after the other. It opens with the first. */
export class Connection {
  readonly origin: string
  readonly #client: Client
  readonly #closing = new AbortController()
  readonly #onClosed: (connection: Connection) => void
  #serves = false
  #isClosed = false

  constructor(origin: string, { client, way, connectMs = CONNECT_MS, onClosed }: ConnectionOptions) {
    this.origin = origin
    this.#onClosed = onClosed
    this.#client = new client(origin, {
      connect: (_options, callback) => void this.#connect(way, connectMs, callback),
      maxHeaderSize: MOST_HEADERS,
      // How long everything may take is for each request to say.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: KEPT_IDLE_MS,
      keepAliveMaxTimeout: KEPT_IDLE_MS,
      allowH2: false,
    })
    // A request that was not written yet when the server closed the connection gets another, which is checked again.
    this.#client.on('disconnect', () => !this.#serves && this.close())
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  serve(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.#serves = true
    this.#client.dispatch(options, handler)
  }

  /** The request has its whole answer. */
  rest(): void {
    this.#serves = false
  }

  async #connect(way: Way, ms: number, callback: Connector.Callback): Promise<void> {
    const timer = setTimeout(() => this.close(new ConnectTimeout(ms)), ms)
    let socket: Socket
    try {
      socket = await connectTo(destinationOf(this.origin), way, this.#closing.signal)
    } catch (error) {
      return callback(error as Error, null)
    } finally {
      clearTimeout(timer)
    }
    callback(null, socket)
  }

  /** At once, in whatever state it is. A request that it serves fails with the reason. */
  close(reason: Error = closed): void {
    if (this.#isClosed) return
    this.#isClosed = true
    void this.#client.destroy(reason)
    this.#closing.abort(reason)
    this.#onClosed(this)
  }
}

const closed = new Error('The connection is closed.')

function destinationOf(origin: string): Destination {
  const { protocol, hostname, port } = new URL(origin)
  return {
    protocol: protocol as Destination['protocol'],
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(port) || (protocol === 'https:' ? 443 : 80),
  }
}
