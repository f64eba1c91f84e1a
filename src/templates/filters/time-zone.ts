import { Failure } from '../failure.ts'
import { describe } from '../read-property.ts'
import type { DateFields } from './format-date.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

/** Zones whose formatter is kept; making one takes 50 µs. */
const KEPT = 50
const formatters = new Map<string, Intl.DateTimeFormat>()

/**
 * @param time milliseconds since 1970
 * @param zone a name such as `Europe/Berlin`, or the minutes that UTC is before it, as `Date.getTimezoneOffset` counts them; UTC without
 */
export function fieldsIn(time: number, zone: unknown): DateFields {
  if (zone === undefined || zone === null || zone === '' || zone === 'UTC') return fieldsAt(time, 0, 'UTC')
  if (typeof zone === 'number' && Math.abs(zone) <= 24 * 60) return fieldsAt(time, -zone, '')
  if (typeof zone === 'string') return fieldsAt(time, offsetIn(zone, time), zone)
  throw new Failure(`a time zone is a name such as Europe/Berlin; it is ${describe(zone)}`)
}

function fieldsAt(time: number, offset: number, zone: string): DateFields {
  // The clock on the wall there, read as if it were one in UTC.
  const wall = new Date(time + offset * MINUTE)
  const year = wall.getUTCFullYear()
  return {
    year,
    month: wall.getUTCMonth() + 1,
    day: wall.getUTCDate(),
    hour: wall.getUTCHours(),
    minute: wall.getUTCMinutes(),
    second: wall.getUTCSeconds(),
    millisecond: wall.getUTCMilliseconds(),
    weekday: wall.getUTCDay(),
    yearday: Math.floor((wall.getTime() - firstOfYear(year)) / DAY) + 1,
    time,
    offset,
    zone,
  }
}

function firstOfYear(year: number): number {
  return new Date(0).setUTCFullYear(year, 0, 1)
}

/** Minutes that the zone is before UTC at that time. */
function offsetIn(zone: string, time: number): number {
  const parts = new Map(
    formatterOf(zone)
      .formatToParts(time)
      .map(({ type, value }) => [type, value]),
  )
  const text = parts.get('timeZoneName') ?? 'GMT'
  const [, sign, hours = '0', minutes = '0'] = /^GMT(?:([+-])(\d{2}):(\d{2}))?/.exec(text) ?? []
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
}

function formatterOf(zone: string): Intl.DateTimeFormat {
  const kept = formatters.get(zone)
  if (kept) return kept
  const formatter = makeFormatter(zone)
  if (formatters.size >= KEPT) formatters.clear()
  formatters.set(zone, formatter)
  return formatter
}

function makeFormatter(zone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: zone.slice(0, 100), timeZoneName: 'longOffset' })
  } catch {
    throw new Failure(`'${zone.slice(0, 100)}' is no time zone; a zone is named as in Europe/Berlin`)
  }
}
