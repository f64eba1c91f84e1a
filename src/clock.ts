import { randomUUID } from 'node:crypto'

/** Where time and ids come from, so that tests can set both. */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970, as it is written to the database. */
  now(): number
  /** A new UUIDv7. Those of one process sort in the order in which they were made: lists and primary keys rely on it. */
  id(): string
}

export const systemClock: Clock = {
  now: () => Date.now(),
  id: makeIds(() => Date.now()),
}

/**
 * UUIDv7 with a counter of 12 bits behind the milliseconds (RFC 9562 §6.2, method 1). Node's own `randomUUIDv7` has random
 * bits there, so that ids of one millisecond would sort by chance.
 */
export function makeIds(now: () => number): () => string {
  let ms = 0
  let counter = 0
  /** What all ids of one millisecond begin with. */
  let head = ''
  const begin = (time: number): void => {
    ms = time
    const hex = ms.toString(16).padStart(12, '0')
    head = `${hex.slice(0, 8)}-${hex.slice(8)}-7`
  }
  return () => {
    const time = now()
    const random = randomUUID()
    if (time > ms) {
      begin(time)
      // Not from 0, so that ids cannot be guessed; half of the range is left to count in.
      counter = Number.parseInt(random.slice(0, 3), 16) >> 1
    } else if (++counter > 0xfff) {
      // More ids than the counter holds, or a clock that was set back: the ids run ahead of it.
      begin(ms + 1)
      counter = 0
    }
    // The variant bits and the random rest of a version 4 are those of a version 7.
    return head + (0x1000 + counter).toString(16).slice(1) + random.slice(18)
  }
}

/** No id that was made at this time or later comes before this text, and none that was made earlier comes after it. */
export function firstIdAt(ms: number): string {
  // Times that a UUIDv7 cannot hold are before or after all of them.
  const hex = Math.floor(Math.min(Math.max(ms, 0), 0xffff_ffff_ffff))
    .toString(16)
    .padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}`
}

/** RFC 3339 in UTC, as every time leaves the server; the database holds milliseconds. */
export function toTimestamp(ms: number): string {
  // Made once for all that begins in the same millisecond.
  if (ms !== lastMs) {
    lastTimestamp = new Date(ms).toISOString()
    lastMs = ms
  }
  return lastTimestamp
}

let lastMs = NaN
let lastTimestamp = ''

export function toTimestampOrNull(ms: number | null): string | null {
  return ms === null ? null : toTimestamp(ms)
}
