import { isIP } from 'node:net'
import { contains, isSingle, readNetwork, type Address, type Network } from '../addresses.ts'

interface Entry {
  network: Network
  /** Undefined for all of them. */
  port: number | undefined
}

/** What an operator lists: addresses, networks and host names, each with a port or for all ports. */
export class AddressList {
  readonly #entries: Entry[] = []
  /** Host names as URLs write them, with `:port` where one was given. */
  readonly #names = new Set<string>()

  /** @throws Error that says which entry cannot be read */
  constructor(entries: readonly string[]) {
    for (const entry of entries) this.#add(entry)
  }

  /** Whether this very address is listed, by itself. */
  names(address: Address, port: number): boolean {
    return this.#entries.some((entry) => isSingle(entry.network) && covers(entry, address, port))
  }

  /** Whether a network that is listed contains it. */
  contains(address: Address, port: number): boolean {
    return this.#entries.some((entry) => covers(entry, address, port))
  }

  hasName(name: string, port: number): boolean {
    const plain = withoutRootDot(name.toLowerCase())
    return this.#names.has(plain) || this.#names.has(`${plain}:${port}`)
  }

  #add(entry: string): void {
    const { target, port } = split(entry)
    if (port !== undefined && !(port >= 1 && port <= 65_535)) throw unreadable(entry)
    const network = readNetwork(target)
    if (network) return void this.#entries.push({ network, port })
    const name = readName(target)
    if (name === undefined) throw unreadable(entry)
    this.#names.add(withoutRootDot(name) + (port === undefined ? '' : `:${port}`))
  }
}

function covers({ network, port: only }: Entry, address: Address, port: number): boolean {
  return (only === undefined || only === port) && contains(network, address)
}

/** Beside a port an IPv6 address stands in brackets, as in a URL; otherwise it may. */
function split(entry: string): { target: string; port: number | undefined } {
  const bracketed = /^\[([^\]]*:[^\]]*)\](?::(\d{1,5}))?$/.exec(entry)
  if (bracketed) return { target: bracketed[1]!, port: bracketed[2] === undefined ? undefined : Number(bracketed[2]) }
  const ported = /^([^:]*):(\d{1,5})$/.exec(entry)
  return ported ? { target: ported[1]!, port: Number(ported[2]) } : { target: entry, port: undefined }
}

/** Other letters (`münchen.example`) are written as they go over the wire. What a URL would take for an address is no name. */
function readName(text: string): string | undefined {
  const name = /^[^\s/?#@:\\%[\]]+$/.test(text) ? URL.parse(`http://${text}`)?.hostname : undefined
  return name !== undefined && /^[\w-]+(\.[\w-]+)*\.?$/.test(name) && !isIP(name) ? name : undefined
}

function withoutRootDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name
}

function unreadable(entry: string): Error {
  return new Error(
    `'${entry}' is neither an address (10.1.2.3), nor a network (10.0.0.0/8), nor a host name (search.internal), each with or without a port (127.0.0.1:11434, [::1]:8080)`,
  )
}
