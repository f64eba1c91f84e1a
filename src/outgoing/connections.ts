import type { Client, Dispatcher } from 'undici'
import { Connection } from './connection.ts'
import type { Way } from './connect.ts'
import type { Dispatch } from './exchange.ts'

/** How many connections there may be at once. */
export interface ConnectionLimits {
  perOrigin: number
  total: number
}

const DEFAULT_LIMITS: ConnectionLimits = { perOrigin: 64, total: 512 }

interface Waiter {
  origin: string
  begin(): void
}

/**
 * The connections to other servers, each of which serves one request at a time, so that each request can close its own.
 * (undici's own pool cannot: there a connection that is being made, or a request that waits for one, cannot be called off.)
 * What finds no room waits, in order, for as long as its own limits allow.
 */
export class Connections {
  readonly #client: typeof Client
  readonly #way: Way
  readonly #limits: ConnectionLimits
  readonly #connectMs: number | undefined
  /** Those that serve nobody, by origin, and the one that was used last at the end. */
  readonly #idle = new Map<string, Connection[]>()
  readonly #counts = new Map<string, number>()
  #total = 0
  #waiting: Waiter[] = []

  constructor(client: typeof Client, way: Way, options: { limits?: Partial<ConnectionLimits>; connectMs?: number } = {}) {
    this.#client = client
    this.#way = way
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits }
    this.#connectMs = options.connectMs
  }

  readonly dispatch: Dispatch = (options, handler) => {
    const origin = String(options.origin)
    let connection: Connection | undefined
    const begin = (): void => {
      connection = this.#take(origin)
      connection.serve(options, this.#returning(connection, handler))
    }
    const waiter: Waiter = { origin, begin }
    if (this.#hasRoom(origin)) begin()
    else this.#waiting.push(waiter)
    return () => {
      this.#waiting = this.#waiting.filter((one) => one !== waiter)
      connection?.close()
    }
  }

  /** Passes on what the connection tells, and takes it back when it has told the end. */
  #returning(connection: Connection, handler: Dispatcher.DispatchHandler): Dispatcher.DispatchHandler {
    return {
      onRequestStart: (controller, context) => handler.onRequestStart?.(controller, context),
      onResponseStart: (controller, status, headers, phrase) => handler.onResponseStart?.(controller, status, headers, phrase),
      onResponseData: (controller, chunk) => handler.onResponseData?.(controller, chunk),
      onResponseEnd: (controller, trailers) => {
        handler.onResponseEnd?.(controller, trailers)
        this.#takeBack(connection)
      },
      onResponseError: (controller, error) => {
        handler.onResponseError?.(controller, error)
        connection.close()
      },
    }
  }

  #hasRoom(origin: string): boolean {
    if (this.#idle.has(origin)) return true
    if ((this.#counts.get(origin) ?? 0) >= this.#limits.perOrigin) return false
    return this.#total < this.#limits.total || this.#idle.size > 0
  }

  #take(origin: string): Connection {
    const idle = this.#idle.get(origin)
    const last = idle?.pop()
    if (idle?.length === 0) this.#idle.delete(origin)
    return last ?? this.#open(origin)
  }

  #open(origin: string): Connection {
    if (this.#total >= this.#limits.total) this.#idle.values().next().value![0]!.close()
    const onClosed = (connection: Connection): void => this.#forget(connection)
    const connection = new Connection(origin, {
      client: this.#client,
      way: this.#way,
      ...(this.#connectMs !== undefined && { connectMs: this.#connectMs }),
      onClosed,
    })
    this.#total++
    this.#counts.set(origin, (this.#counts.get(origin) ?? 0) + 1)
    return connection
  }

  #takeBack(connection: Connection): void {
    if (connection.isClosed) return
    connection.rest()
    const { origin } = connection
    this.#idle.set(origin, [...(this.#idle.get(origin) ?? []), connection])
    this.#serveNext()
  }

  #forget(connection: Connection): void {
    const { origin } = connection
    this.#total--
    const count = this.#counts.get(origin)! - 1
    if (count > 0) this.#counts.set(origin, count)
    else this.#counts.delete(origin)
    const idle = this.#idle.get(origin)?.filter((one) => one !== connection) ?? []
    if (idle.length > 0) this.#idle.set(origin, idle)
    else this.#idle.delete(origin)
    this.#serveNext()
  }

  #serveNext(): void {
    const next = this.#waiting.findIndex(({ origin }) => this.#hasRoom(origin))
    if (next === -1) return
    const [waiter] = this.#waiting.splice(next, 1)
    waiter!.begin()
  }
}
