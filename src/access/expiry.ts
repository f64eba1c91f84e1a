const HOUR_MS = 3_600_000
const UNITS: Readonly<Record<string, number>> = { h: HOUR_MS, d: 24 * HOUR_MS, w: 7 * 24 * HOUR_MS, y: 365 * 24 * HOUR_MS }

/** The last moment that a date can be. */
const LAST_MS = 8.64e15

/** Reads `90d` as well as a date or a time of RFC 3339. @returns milliseconds since 1970; null for anything else */
export function readExpiry(text: string, now: number): number | null {
  const [, count, unit] = /^(\d{1,6})([hdwy])$/.exec(text) ?? []
  if (unit !== undefined) return Math.min(now + Number(count) * UNITS[unit]!, LAST_MS)
  if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/i.test(text)) return null
  const time = Date.parse(text)
  return Number.isNaN(time) ? null : time
}
