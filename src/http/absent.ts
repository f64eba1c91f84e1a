import type { TSchema } from 'typebox'
import { allowsNull, type JsonSchema } from './json-schema.ts'

/**
 * Removes, in place, each optional property that is null and whose schema has no null of its own. Only declared
 * properties are looked at: what is inside a free-form object belongs to the user and is kept as it came.
 */
export function dropNulls(schema: TSchema, value: unknown): void {
  drop(schema as JsonSchema, value)
}

function drop(schema: JsonSchema, value: unknown): void {
  if (value === null || typeof value !== 'object') return
  if (Array.isArray(value)) {
    if (schema.items) for (const item of value) drop(schema.items, item)
    return
  }
  const record = value as Record<string, unknown>
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (!Object.hasOwn(record, name)) continue
    if (record[name] !== null) drop(property, record[name])
    else if (!schema.required?.includes(name) && !allowsNull(property)) delete record[name]
  }
  // A body of several forms: a property is absent if the form that declares it says that it may be.
  for (const form of [...(schema.allOf ?? []), ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]) drop(form, value)
}
