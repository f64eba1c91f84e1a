import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'
import { CrossSiteRequest, MalformedRequest, UnknownHost } from '../errors.ts'

const MOST_KNOWN = 100

/**
 * Who may talk to this server from a browser. A server on localhost has no other protection against a page that makes the
 * browser post to it (cross-site requests), or that lets its own name resolve to 127.0.0.1 (DNS rebinding).
 */
export class OriginCheck {
  private readonly hosts: ReadonlySet<string>
  /** Host headers that were found good, as they were written: nearly every request has the same. */
  private readonly known = new Set<string>()

  constructor(allowedHosts: readonly string[]) {
    this.hosts = new Set(['localhost', '127.0.0.1', '[::1]', ...allowedHosts.map((name) => hostName(isIPv6(name) ? `[${name}]` : name))])
  }

  /** Throws `UnknownHost`, `CrossSiteRequest`, or `MalformedRequest`. */
  check(request: IncomingMessage): void {
    this.checkHost(request)
    if (!isSafe(request.method)) checkSite(request)
  }

  private checkHost(request: IncomingMessage): void {
    const { host } = request.headers
    if (countHosts(request) > 1) throw new MalformedRequest({ reason: 'There is more than one Host header.' }) // RFC 9112 §3.2
    if (host === undefined && request.httpVersion !== '1.0') throw new MalformedRequest({ reason: 'The Host header is missing.' })
    if (host !== undefined) this.checkName(host)
    if (request.url?.startsWith('/')) return
    // RFC 9112 §3.2.2: an absolute target overrides Host.
    const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(request.url ?? '')?.[1]
    if (authority !== undefined) this.checkName(authority)
  }

  private checkName(host: string): void {
    if (this.known.has(host)) return
    if (!this.hosts.has(hostName(host))) throw new UnknownHost({ host: host.slice(0, 200) })
    // Any port is good, so there could be many of them.
    if (this.known.size < MOST_KNOWN) this.known.add(host)
  }
}

function checkSite(request: IncomingMessage): void {
  const site = request.headers['sec-fetch-site']
  if (site === 'cross-site' || site === 'same-site') throw new CrossSiteRequest({})
  const { origin, host } = request.headers
  if (origin !== undefined && !isOriginOf(origin, host ?? '')) throw new CrossSiteRequest({})
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

function countHosts({ rawHeaders }: IncomingMessage): number {
  let count = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!
    if (name.length === 4 && name.toLowerCase() === 'host') count += 1
  }
  return count
}

function isSafe(method: string | undefined): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
}
