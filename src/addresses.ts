import { isIP, isIPv4, isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'

export type Address = ipaddr.IPv4 | ipaddr.IPv6

/**
 * An address as a system call or a URL parser writes it. One that only wraps an IPv4 address (`::ffff:10.0.0.1`, RFC 4291
 * §2.5.5.2) is that address, because that is whom the system calls.
 * @returns undefined for what is none, and for one with a zone (`fe80::1%eth0`), which means something on this machine alone
 */
export function readAddress(text: string): Address | undefined {
  if (isIPv4(text)) return ipaddr.IPv4.parse(text)
  if (!isIPv6(text) || text.includes('%')) return undefined
  // By way of a URL, which writes groups alone: ipaddr.js takes the dots of `::10.0.0.1` for `::ffff:10.0.0.1`.
  const address = ipaddr.IPv6.parse(new URL(`http://[${text}]`).hostname.slice(1, -1))
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address
}

/** All addresses that begin with the same bits; with all of its bits, one address alone. */
export interface Network {
  base: Address
  prefix: number
}

/** Reads `10.1.2.3`, `10.0.0.0/8`, `fd00::/8`… @returns undefined for what is no network */
export function readNetwork(text: string): Network | undefined {
  const [address = '', prefixText, ...more] = text.split('/')
  const base = readAddress(address)
  if (!base || more.length > 0) return undefined
  const written = isIP(address) === 4 ? 32 : 128
  const prefix = prefixText === undefined ? written : /^\d{1,3}$/.test(prefixText) ? Number(prefixText) : NaN
  // Of an address that wraps one of IPv4, the bits before that are the wrapping.
  const bits = prefix - (written - bitsOf(base))
  return prefix <= written && bits >= 0 ? { base, prefix: bits } : undefined
}

export function contains({ base, prefix }: Network, address: Address): boolean {
  return base.kind() === address.kind() && address.match(base, prefix)
}

export function isSingle({ base, prefix }: Network): boolean {
  return prefix === bitsOf(base)
}

function bitsOf(address: Address): number {
  return address.kind() === 'ipv4' ? 32 : 128
}
