import type { TSchema } from 'typebox'
import type { Issue } from '../errors.ts'
import { escapeSegment, type JsonSchema } from './json-schema.ts'

/** Items of a declared list whose schema sets no `maxItems`. */
const DEFAULT_MAX_ITEMS = 100_000

/** A problem for each list in a wrong value that has more items than its schema allows. */
export function overlongLists(schema: TSchema, value: unknown): Issue[] {
  return [...find(schema as JsonSchema, value, '')]
}

function* find(schema: JsonSchema, value: unknown, pointer: string): Generator<Issue> {
  if (value === null || typeof value !== 'object') return
  if (Array.isArray(value)) {
    const limit = schema.maxItems ?? DEFAULT_MAX_ITEMS
    if (value.length > limit)
      yield { pointer, code: 'too_long', message: `'${pointer}' may have at most ${limit} items; it has ${value.length}.` }
    return
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (Object.hasOwn(value, name)) yield* find(property, (value as Record<string, unknown>)[name], `${pointer}/${escapeSegment(name)}`)
  }
}
