import { refused } from './refused.ts'

/** Texts as they may stand in an address. @throws AttemptFailed where one would lead to another path */
export function encoded(value: unknown): unknown {
  if (typeof value === 'string') return encodedText(value)
  if (Array.isArray(value)) return value.map(encoded)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, encoded(item)]))
}

export function encodedText(text: string): string {
  // WHATWG URL: these, however they are encoded, are steps in a path.
  if (text === '.' || text === '..') throw refused(`'${text}' cannot be a part of an address.`)
  return encodeURIComponent(text.toWellFormed())
}
