import { InvalidInput } from '../errors.ts'

/**
 * @param text of a query parameter that has the form of a date and time
 * @returns milliseconds since 1970
 * @throws InvalidInput for what RFC 3339 or 9557 allow and no `Date` can be: leap seconds, zones by name
 */
export function readTime(text: string | undefined, pointer: string): number | undefined {
  if (text === undefined) return undefined
  const time = Date.parse(text)
  if (!Number.isNaN(time)) return time
  const message = `'${pointer.slice(1)}' must be a date and time such as 2026-01-31T12:00:00Z, without a leap second or the name of a zone.`
  throw new InvalidInput({ errors: [{ pointer, code: 'wrong_format', message }] })
}
