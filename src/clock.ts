import { randomUUIDv7 } from 'node:crypto'

/** Where time and ids come from, so that tests can set both. */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970, as it is written to the database. */
  now(): number
  /** A new UUIDv7: sorted by time, which the primary keys of the journal rely on. */
  id(): string
}

export const systemClock: Clock = {
  now: () => Date.now(),
  id: () => randomUUIDv7(),
}

/** RFC 3339 in UTC, as every time leaves the server; the database holds milliseconds. */
export function toTimestamp(ms: number): string {
  return new Date(ms).toISOString()
}

export function toTimestampOrNull(ms: number | null): string | null {
  return ms === null ? null : toTimestamp(ms)
}
