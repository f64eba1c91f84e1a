import type { Client } from 'undici'
import { version } from '../version.ts'
import type { Answer } from './answer.ts'
import type { Dispatch } from './exchange.ts'
import type { Lookup } from './lookup.ts'
import type { ConnectionLimits } from './connections.ts'

export type { Answer } from './answer.ts'

/** What may be taken of another server, and for how long. */
export interface OutgoingLimits {
  /** From the call to the last byte of the answer, with all redirects. Null where only its signal ends it. */
  totalMs: number | null
  /** From the call, or a redirect, to the head of the answer. */
  firstByteMs: number
  /** Of the body, as it is sent and as it is unpacked. */
  bytes: number
  /** How many are followed; with 0 a redirect is an answer like any other. */
  redirects: number
}

export const DEFAULT_LIMITS: OutgoingLimits = { totalMs: 60_000, firstByteMs: 30_000, bytes: 10_000_000, redirects: 5 }

export interface OutgoingRequest {
  url: string | URL
  /** GET where there is none. */
  method?: string
  /** Names in whatever case. What belongs to the connection (`Host`, `Content-Length`, `Connection`…) is not for callers to say. */
  headers?: Readonly<Record<string, string>> | Iterable<readonly [string, string]>
  body?: string | Uint8Array | null
  /** When it is aborted, the connection is closed at once, and the call or the reading of its answer rejects with the reason. */
  signal?: AbortSignal | null | undefined
  limits?: Partial<OutgoingLimits>
}

/** The one way from a workflow to other servers. */
export interface Outgoing {
  /**
   * Resolves with the head of the answer, whatever its status; the body is read by whoever wants it, within the limits.
   * Whoever does not want it calls `discard()`, or holds the connection until `totalMs` is over.
   * @throws OutgoingError, which says whether a retry may help; the body's stream fails with the same
   * @throws the signal's reason when it is aborted
   */
  request(request: OutgoingRequest): Promise<Answer>
  /**
   * The same as a `fetch` of the WHATWG standard, for packages that take one. `redirect` counts (`follow`, `manual`, `error`); what
   * only browsers have (`mode`, `credentials`, `cache`, `keepalive`…) does not.
   */
  fetch(limits?: Partial<OutgoingLimits>): typeof globalThis.fetch
  /** The same connections without redirects, limits and words for failures, for those who have their own. */
  connections(): Promise<Dispatch>
}

export interface OutgoingOptions {
  /** Addresses, networks and host names that are not public and may be reached all the same, each with or without a port. */
  privateAddresses?: readonly string[]
  /** How names become addresses; the system's own way where it is left out. */
  lookup?: Lookup
  /** Addresses of this machine, which are not reached even where they are public. */
  ownAddresses?: () => readonly string[]
  limits?: Partial<ConnectionLimits>
  connectMs?: number
}

/** Nothing is loaded before the first request. */
export function createOutgoing(options: OutgoingOptions = {}): Outgoing {
  let opened: Promise<Dispatch> | undefined
  const connections = (): Promise<Dispatch> => (opened ??= openConnections(options))
  const request = async (asked: OutgoingRequest): Promise<Answer> => {
    const { follow } = await import('./follow.ts')
    return follow(asked, { ...DEFAULT_LIMITS, ...asked.limits }, await connections())
  }
  return {
    request,
    connections,
    fetch: (limits) => async (input, init) => {
      const { fetchBy } = await import('./fetch.ts')
      return fetchBy(request, limits, input, init)
    },
  }
}

async function openConnections({ privateAddresses = [], lookup, ownAddresses, limits, connectMs }: OutgoingOptions): Promise<Dispatch> {
  const [{ Connections }, { Reach }, { systemLookup }, { loadUndici }] = await Promise.all([
    import('./connections.ts'),
    import('./reach.ts'),
    import('./lookup.ts'),
    import('./undici.ts'),
  ])
  const way = { reach: new Reach(privateAddresses, ownAddresses), lookup: lookup ?? systemLookup }
  const pool = new Connections(await loadUndici<typeof Client>('client'), way, {
    ...(limits && { limits }),
    ...(connectMs !== undefined && { connectMs }),
  })
  return pool.dispatch
}

/** What every request says of itself, unless it says otherwise. */
export const OWN_HEADERS: Readonly<Record<string, string>> = {
  accept: '*/*',
  'accept-encoding': 'gzip, br',
  'user-agent': `agent-studio/${version}`,
}
