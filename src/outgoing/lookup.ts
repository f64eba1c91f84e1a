import { lookup } from 'node:dns'
import type { LookupAddress } from 'node:dns'

/** Asks for all addresses of a name. Rejects as `dns.lookup` does, and may with the signal's reason when that is aborted. */
export type Lookup = (name: string, signal: AbortSignal) => Promise<LookupAddress[]>

/**
 * The system's own look-ups wait in threads: two at a time, in the order in which they were asked for, and nobody can take
 * one back. So that names whose servers are silent hold up nobody else in the process, at most two of ours are asked for at once.
 */
const AT_ONCE = 2

let free = AT_ONCE
const waiting: (() => void)[] = []

/** As every program of this machine does, with its hosts file. */
export const systemLookup: Lookup = async (name, signal) => {
  await turn()
  try {
    signal.throwIfAborted()
    return await new Promise<LookupAddress[]>((resolve, reject) => {
      lookup(name, { all: true }, (error, addresses) => (error ? reject(error) : resolve(addresses)))
    })
  } finally {
    const next = waiting.shift()
    if (next) next()
    else free++
  }
}

async function turn(): Promise<void> {
  if (free > 0) free--
  else await new Promise<void>((resolve) => waiting.push(resolve))
}
