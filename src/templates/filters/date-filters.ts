import { Failure } from '../failure.ts'
import { describe } from '../read-property.ts'
import type { Rendering } from '../render-context.ts'
import { toText } from '../to-text.ts'
import type { Filter } from './filter.ts'
import { formatDate, type DateFields } from './format-date.ts'
import { fieldsIn } from './time-zone.ts'

/**
 * Dates by a clock that was recorded, in a zone that the template names or in UTC, so that the same template gives the same text on
 * every machine and after every restart. LiquidJS's own filters ask the clock, the zone and the language of the machine.
 */
export const dateFilters: Record<string, Filter> = {
  date: (rendering, value, [format = '%Y-%m-%d %H:%M:%S', zone]) => write(rendering, value, format, zone),
  date_to_long_string: (rendering, value) => write(rendering, value, '%d %B %Y', undefined),
  date_to_rfc822: (rendering, value) => write(rendering, value, '%a, %d %b %Y %H:%M:%S %z', undefined),
  date_to_string: (rendering, value) => write(rendering, value, '%d %b %Y', undefined),
  date_to_xmlschema: (rendering, value, [zone]) => write(rendering, value, '%Y-%m-%dT%H:%M:%S%:z', zone),
}

const MAX_FORMAT = 1_000

function write(rendering: Rendering, value: unknown, format: unknown, zone: unknown): unknown {
  if (value === null || value === undefined || value === '') return value
  const pattern = toText(format, rendering.budget)
  if (pattern.length > MAX_FORMAT) throw new Failure(`the format of a date has at most ${MAX_FORMAT} characters`)
  const fields: DateFields = fieldsIn(timeOf(rendering, value), zone)
  const text = formatDate(fields, pattern)
  rendering.budget.use(text.length)
  return text
}

/** Milliseconds since 1970. */
function timeOf(rendering: Rendering, value: unknown): number {
  const meant = value === 'now' || value === 'today' ? rendering.now : value
  if (meant === undefined) throw new Failure("'now' is not known here")
  const time = typeof meant === 'number' ? meant * 1000 : typeof meant === 'string' ? parseTime(meant) : NaN
  if (!Number.isFinite(new Date(time).getTime()))
    throw new Failure(`date needs a time such as 2026-01-31T12:00:00Z or seconds since 1970; it got ${describe(value)}`)
  return time
}

const DAY = String.raw`\d{4}-\d{2}-\d{2}`
const TIME = String.raw`\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?`
const ZONE = String.raw`Z|[+-]\d{2}:?\d{2}`
const ISO = new RegExp(`^(${DAY})(?:[T ](${TIME})\\s?(${ZONE})?)?$`, 'i')
const RFC_822 = /^(?:[A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}(?::\d{2})? (?:GMT|UTC|Z|[+-]\d{4})$/

/** RFC 3339, or what mails and HTTP use. A time without a zone is one in UTC, on every machine. */
function parseTime(text: string): number {
  const trimmed = text.length > 100 ? '' : text.trim()
  if (/^\d{1,15}$/.test(trimmed)) return Number(trimmed) * 1000
  const [, day, time, zone = 'Z'] = ISO.exec(trimmed) ?? []
  if (day !== undefined) return Date.parse(time === undefined ? day : `${day}T${time}${zone.toUpperCase()}`)
  return RFC_822.test(trimmed) ? Date.parse(trimmed) : NaN
}
