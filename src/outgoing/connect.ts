import { once } from 'node:events'
import type { LookupAddress } from 'node:dns'
import { connect, isIP, type LookupFunction, type Socket } from 'node:net'
import { connect as secure } from 'node:tls'
import type { Lookup } from './lookup.ts'
import type { Reach } from './reach.ts'

export interface Destination {
  protocol: 'http:' | 'https:'
  /** Without the brackets of an IPv6 address. */
  host: string
  port: number
}

/** An address that workflows may not reach: of which nobody who did not write it is to hear. */
export class AddressNotPermitted extends Error {
  override readonly name = 'AddressNotPermitted'
}

export class ConnectTimeout extends Error {
  override readonly name = 'ConnectTimeout'
  readonly ms: number

  constructor(ms: number) {
    super(`There was no connection after ${ms} ms.`)
    this.ms = ms
  }
}

export interface Way {
  reach: Reach
  lookup: Lookup
}

/**
 * Opens a connection to exactly the addresses that were checked: the name is looked up once, every address that it has must
 * be permitted, and the one that answered is checked again before a byte is sent. Certificates are always verified,
 * whatever the environment says.
 * @throws AddressNotPermitted
 * @throws the signal's reason when it is aborted, and whatever the connection fails with
 */
export async function connectTo(to: Destination, { reach, lookup }: Way, signal: AbortSignal): Promise<Socket> {
  const addresses = isIP(to.host) ? [{ address: to.host, family: isIP(to.host) }] : await lookup(to.host, signal)
  signal.throwIfAborted()
  const permitted = (address: string | undefined): boolean => address !== undefined && reach.permits(address, to.port, to.host)
  if (addresses.length === 0 || !addresses.every(({ address }) => permitted(address))) throw new AddressNotPermitted()
  const socket = connect({
    host: to.host,
    port: to.port,
    lookup: answersWith(addresses),
    autoSelectFamily: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
    signal,
  })
  await established(socket, 'connect', signal)
  if (!permitted(socket.remoteAddress)) {
    socket.destroy()
    throw new AddressNotPermitted()
  }
  if (to.protocol === 'http:') return socket
  const tls = secure({
    socket,
    host: to.host,
    // RFC 6066 §3: a name, without the dot of the root.
    servername: isIP(to.host) ? '' : to.host.replace(/\.$/, ''),
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: true,
  })
  await established(tls, 'secureConnect', signal)
  return tls
}

/** Gives what was found before; nobody asks twice. */
function answersWith(addresses: LookupAddress[]): LookupFunction {
  const [first] = addresses
  return (_host, { all }, callback) => (all ? callback(null, addresses) : callback(null, first!.address, first!.family))
}

async function established(socket: Socket, event: 'connect' | 'secureConnect', signal: AbortSignal): Promise<void> {
  // One error may be followed by others, which say nothing new.
  socket.on('error', () => undefined)
  try {
    await once(socket, event, { signal })
  } catch (error) {
    socket.destroy()
    signal.throwIfAborted()
    throw error
  }
}
