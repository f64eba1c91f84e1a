import type { Call } from '../frame/call.ts'
import { wrongCall } from '../frame/exit.ts'

/** A time, or how long ago: 90m, 12h, 7d. */
export function readTime(call: Call, name: string): string | undefined {
  const text = call.option(name)
  if (text === undefined) return undefined
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (count !== undefined)
    return new Date(Date.now() - Number(count) * { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit as 's']).toISOString()
  if (Number.isNaN(Date.parse(text))) throw wrongCall(`--${name} is a time such as 2030-01-31T12:00:00Z, or how long ago: 90m, 12h, 7d.`)
  return new Date(text).toISOString()
}
