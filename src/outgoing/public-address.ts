import ipaddr from 'ipaddr.js'
import { readAddress, type Address } from '../addresses.ts'

/** All that is given out for use on the internet (IANA, Internet Protocol Version 6 Address Space). */
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3')

/** NAT64 (RFC 6052 §2.1): how a network without IPv4 reaches the IPv4 address of the last four bytes. */
const translated = ipaddr.IPv6.parseCIDR('64:ff9b::/96')

/**
 * Whether an address belongs to nobody but its owner on the internet. Not so are those of this machine, of private and
 * shared networks, of links, of groups, of documentation, tests and protocols, and whatever has not been given out; nor
 * tunnels (6to4, Teredo), behind which any IPv4 address may be.
 */
export function isPublic(address: Address): boolean {
  if (address.kind() === 'ipv4') return address.range() === 'unicast'
  if (address.match(translated)) return isPublic(ipaddr.fromByteArray(address.toByteArray().slice(-4)))
  return address.match(globalUnicast) && address.range() === 'unicast'
}

/**
 * Where clouds keep the credentials of a machine, and what else they answer it alone. Some of these lie in networks that
 * are all too easily listed as a whole, and one among public addresses.
 */
const metadata = new Set(
  [
    '169.254.169.254', // AWS, Google Cloud, Azure, OpenStack, DigitalOcean and most others
    '169.254.170.2', // AWS, credentials of a task
    '169.254.170.23', // AWS, credentials of a pod
    '169.254.169.253', // AWS, name server
    '169.254.0.23', // Tencent Cloud
    '168.63.129.16', // Azure, host of the machine
    '100.100.100.200', // Alibaba Cloud
    '192.0.0.192', // Oracle Cloud
    'fd00:ec2::254',
    'fd00:ec2::23',
    'fd20:ce::254', // Google Cloud
    'fe80::a9fe:a9fe', // OpenStack
  ].map((text) => readAddress(text)!.toString()),
)

export function isMetadata(address: Address): boolean {
  if (address.kind() === 'ipv6' && address.match(translated)) return isMetadata(ipaddr.fromByteArray(address.toByteArray().slice(-4)))
  return metadata.has(address.toString())
}
