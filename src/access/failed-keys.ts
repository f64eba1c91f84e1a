import { isIPv6 } from 'node:net'
import { KeyRates } from '../limits/key-rates.ts'

/** Wrong keys that an address may send. */
const LIMIT = { requests: 10, seconds: 60 }

/**
 * Counts wrong keys by the address they come from, of ten thousand addresses at most. Right keys are never counted, so who
 * shares an address with a guesser is not refused.
 */
export class FailedKeys {
  readonly #rates = new KeyRates()

  /** Notes one more. @returns undefined, or the seconds to wait where there were too many */
  note(address: string, now = performance.now()): number | undefined {
    const { state, bucket } = this.#rates.charge(groupOf(address), LIMIT, now)
    return bucket ? undefined : state.reset
  }

  get size(): number {
    return this.#rates.size
  }
}

/** Who has an address of IPv6 has at least the 2^64 of its network; an IPv4 address is one, however it is written. */
function groupOf(address: string): string {
  if (!isIPv6(address)) return address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  const [head = '', tail] = address.replace(/%.*$/, '').split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0')
  const groups = tail === undefined ? before : [...before, ...zeros, ...after]
  return groups.slice(0, 4).join(':').toLowerCase()
}
