/** A time as a calendar and a clock on the wall show it. */
export interface DateFields {
  year: number
  /** 1 to 12. */
  month: number
  day: number
  hour: number
  minute: number
  second: number
  millisecond: number
  /** 0 is Sunday. */
  weekday: number
  /** 1 for the first of January. */
  yearday: number
  /** Milliseconds since 1970. */
  time: number
  /** Minutes that the clock is before UTC. */
  offset: number
  zone: string
}

const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December']
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']

interface Conversion {
  write: (fields: DateFields) => string | number
  /** To how many characters it is filled up. */
  width?: number
  fill?: ' ' | '0'
}

const hour12 = ({ hour }: DateFields): number => hour % 12 || 12
const weekOfYear = ({ yearday, weekday }: DateFields, first: number): number => Math.floor((yearday + 6 - ((weekday - first + 7) % 7)) / 7)

/** What strftime has, in the C locale. */
const CONVERSIONS: Record<string, Conversion> = {
  a: { write: ({ weekday }) => DAYS[weekday]!.slice(0, 3) },
  A: { write: ({ weekday }) => DAYS[weekday]! },
  b: { write: ({ month }) => MONTHS[month - 1]!.slice(0, 3) },
  B: { write: ({ month }) => MONTHS[month - 1]! },
  c: { write: (fields) => formatDate(fields, '%a %b %e %H:%M:%S %Y') },
  C: { write: ({ year }) => Math.floor(year / 100), width: 2 },
  d: { write: ({ day }) => day, width: 2 },
  D: { write: (fields) => formatDate(fields, '%m/%d/%y') },
  e: { write: ({ day }) => day, width: 2, fill: ' ' },
  F: { write: (fields) => formatDate(fields, '%Y-%m-%d') },
  h: { write: ({ month }) => MONTHS[month - 1]!.slice(0, 3) },
  H: { write: ({ hour }) => hour, width: 2 },
  I: { write: hour12, width: 2 },
  j: { write: ({ yearday }) => yearday, width: 3 },
  k: { write: ({ hour }) => hour, width: 2, fill: ' ' },
  l: { write: hour12, width: 2, fill: ' ' },
  L: { write: ({ millisecond }) => millisecond, width: 3 },
  m: { write: ({ month }) => month, width: 2 },
  M: { write: ({ minute }) => minute, width: 2 },
  n: { write: () => '\n' },
  N: { write: ({ millisecond }) => `${String(millisecond).padStart(3, '0')}000000` },
  p: { write: ({ hour }) => (hour < 12 ? 'AM' : 'PM') },
  P: { write: ({ hour }) => (hour < 12 ? 'am' : 'pm') },
  q: { write: ({ day }) => ordinal(day) },
  s: { write: ({ time }) => Math.floor(time / 1000) },
  S: { write: ({ second }) => second, width: 2 },
  t: { write: () => '\t' },
  T: { write: (fields) => formatDate(fields, '%H:%M:%S') },
  u: { write: ({ weekday }) => weekday || 7 },
  U: { write: (fields) => weekOfYear(fields, 0), width: 2 },
  w: { write: ({ weekday }) => weekday },
  W: { write: (fields) => weekOfYear(fields, 1), width: 2 },
  x: { write: (fields) => formatDate(fields, '%m/%d/%y') },
  X: { write: (fields) => formatDate(fields, '%H:%M:%S') },
  y: { write: ({ year }) => ((year % 100) + 100) % 100, width: 2 },
  Y: { write: ({ year }) => year, width: 4 },
  z: { write: ({ offset }) => offsetText(offset, '') },
  ':z': { write: ({ offset }) => offsetText(offset, ':') },
  Z: { write: ({ zone }) => zone },
  '%': { write: () => '%' },
}

/** `%-d`, `%^a`, `%_H`, `%05Y`, `%:z`. A width has two digits at most, so that a short format makes no long text. */
const PATTERN = /%([-_0^]?)(\d{0,2})(:z|[a-zA-Z%])/g

/** What it does not know stays as it is. */
export function formatDate(fields: DateFields, format: string): string {
  return format.replace(PATTERN, (whole, flag: string, width: string, name: string) => {
    const conversion = Object.hasOwn(CONVERSIONS, name) ? CONVERSIONS[name] : undefined
    return conversion === undefined ? whole : convert(conversion, fields, flag, width)
  })
}

function convert({ write, width = 0, fill = '0' }: Conversion, fields: DateFields, flag: string, wanted: string): string {
  const written = write(fields)
  const text = flag === '^' ? String(written).toUpperCase() : String(written)
  if (flag === '-') return text
  const filler = flag === '_' ? ' ' : flag === '0' ? '0' : typeof written === 'string' ? ' ' : fill
  return text.padStart(wanted === '' ? width : Number(wanted), filler)
}

function ordinal(day: number): string {
  if (day >= 11 && day <= 13) return 'th'
  return ['th', 'st', 'nd', 'rd'][day % 10] ?? 'th'
}

function offsetText(offset: number, between: string): string {
  const minutes = Math.abs(offset)
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}${between}${two(minutes % 60)}`
}
