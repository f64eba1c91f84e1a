import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'
import { CrossSiteRequest, MalformedRequest, UnknownHost } from '../errors.ts'
import type { CrossOrigin } from './cross-origin.ts'

const MOST_KNOWN = 100

export interface OriginOptions {
  /** Names besides localhost, without port. */
  allowedHosts: readonly string[]
  crossOrigin: Pick<CrossOrigin, 'lists'>
  /** Whether what a proxy at this address says of the Host that it was asked for is believed. */
  trustProxy?: (address: string) => boolean
}

/**
 * Who may talk to this server from a browser. A server on localhost has no other protection against a page that makes the
 * browser post to it (cross-site requests), or that lets its own name resolve to 127.0.0.1 (DNS rebinding).
 */
export class OriginCheck {
  private readonly hosts: ReadonlySet<string>
  private readonly crossOrigin: OriginOptions['crossOrigin']
  private readonly trustProxy: OriginOptions['trustProxy']
  /** Host headers that were found good, as they were written: nearly every request has the same. */
  private readonly known = new Set<string>()

  constructor({ allowedHosts, crossOrigin, trustProxy }: OriginOptions) {
    this.hosts = new Set(['localhost', '127.0.0.1', '[::1]', ...allowedHosts.map((name) => hostName(isIPv6(name) ? `[${name}]` : name))])
    this.crossOrigin = crossOrigin
    this.trustProxy = trustProxy
  }

  /** Throws `UnknownHost`, `CrossSiteRequest`, or `MalformedRequest`. */
  check(request: IncomingMessage): void {
    this.checkHost(request)
    const forwarded = this.trustProxy && this.forwardedHost(request)
    if (forwarded !== undefined) this.checkName(forwarded)
    if (!isSafe(request.method)) this.checkSite(request, forwarded ?? request.headers.host ?? '')
  }

  private checkHost(request: IncomingMessage): void {
    const { host } = request.headers
    const repeated = repeatedHeader(request)
    if (repeated !== undefined) throw new MalformedRequest({ reason: `There is more than one ${repeated} header.` })
    if (host === undefined && request.httpVersion !== '1.0') throw new MalformedRequest({ reason: 'The Host header is missing.' })
    if (host !== undefined) this.checkName(host)
    if (request.url?.startsWith('/')) return
    // RFC 9112 §3.2.2: an absolute target overrides Host.
    const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(request.url ?? '')?.[1]
    if (authority !== undefined) this.checkName(authority)
  }

  /** The Host that a trusted proxy was asked for: the last one listed, which is the one that it added itself. */
  private forwardedHost({ headers, socket }: IncomingMessage): string | undefined {
    const hosts = headers['x-forwarded-host']
    if (typeof hosts !== 'string' || !socket.remoteAddress || !this.trustProxy!(socket.remoteAddress)) return undefined
    return hosts.slice(hosts.lastIndexOf(',') + 1).trim()
  }

  private checkName(host: string): void {
    if (this.known.has(host)) return
    if (!this.hosts.has(hostName(host))) throw new UnknownHost({ host: host.slice(0, 200) })
    // Any port is good, so there could be many of them.
    if (this.known.size < MOST_KNOWN) this.known.add(host)
  }

  private checkSite({ headers }: IncomingMessage, host: string): void {
    const { origin, 'sec-fetch-site': site } = headers
    if (this.crossOrigin.lists(origin)) return
    if (site === 'cross-site' || site === 'same-site') throw new CrossSiteRequest({})
    if (origin !== undefined && !isOriginOf(origin, host)) throw new CrossSiteRequest({})
  }
}

/** Compared with the default port of the origin's scheme left out on both sides. `null`, the opaque origin, is nobody's. */
function isOriginOf(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false
  const { protocol, host: originHost } = new URL(origin)
  return originHost !== '' && URL.canParse(`${protocol}//${host}`) && new URL(`${protocol}//${host}`).host === originHost
}

/** Without port and trailing dot. Anything that is no host stays as it is, and matches nothing. */
function hostName(host: string): string {
  return host
    .toLowerCase()
    .replace(/:\d*$/, '')
    .replace(/(?<=[^.])\.$/, '')
}

/** Headers of which there can be one alone (RFC 9112 §3.2, RFC 9110 §5.3): of two, whatever stands before this server may go by the other one. */
const ONCE = ['Host', 'Authorization'] as const

function repeatedHeader({ rawHeaders }: IncomingMessage): string | undefined {
  return ONCE.find((name) => isRepeated(rawHeaders, name.toLowerCase()))
}

function isRepeated(rawHeaders: readonly string[], lowerName: string): boolean {
  let isThere = false
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!
    if (name.length !== lowerName.length || name.toLowerCase() !== lowerName) continue
    if (isThere) return true
    isThere = true
  }
  return false
}

function isSafe(method: string | undefined): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
}
