import { contains, readAddress, readNetwork, type Network } from '../addresses.ts'

const MOST_KNOWN = 1_000
/** In characters: IPv6 with dots and a zone. What is longer is none, and would only fill the memory. */
const LONGEST_ADDRESS = 64

/**
 * Whose word counts about where a request came from (`X-Forwarded-For`, `-Host`, `-Proto`).
 * @param listed addresses and networks of proxies
 * @throws Error that says which entry cannot be read
 */
export function trustedProxies(listed: readonly string[]): (address: string) => boolean {
  const networks = listed.map((entry) => readNetwork(entry.replace(/^\[(.*)\]$/, '$1')) ?? unreadable(entry))
  // Asked several times for each request, and mostly about the same few.
  const known = new Map<string, boolean>()
  return (address) => {
    const before = known.get(address)
    if (before !== undefined) return before
    const isTrusted = isIn(networks, address)
    if (known.size >= MOST_KNOWN) known.clear()
    if (address.length <= LONGEST_ADDRESS) known.set(address, isTrusted)
    return isTrusted
  }
}

function isIn(networks: readonly Network[], text: string): boolean {
  const address = readAddress(text)
  return address !== undefined && networks.some((network) => contains(network, address))
}

function unreadable(entry: string): never {
  throw new Error(`'${entry}' is neither an address (10.1.2.3) nor a network (10.0.0.0/8)`)
}
