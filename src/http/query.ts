import type { TSchema } from 'typebox'
import type { JsonSchema } from './json-schema.ts'

/**
 * Query and path parameters arrive as text. These turn a text into the type that the schema asks for where it spells one,
 * and leave it alone where it does not, so that the validation names what was sent.
 */

type Values = Record<string, unknown>

export function convertQuery(schema: TSchema, query: Record<string, string | string[]>): Values {
  return convertAll(schema, query, (property, value) => {
    if (property.type === 'array') return [value].flat().map((one) => convert(property.items ?? {}, one))
    return typeof value === 'string' ? convert(property, value) : value
  })
}

export function convertParams(schema: TSchema, params: Record<string, string>): Values {
  return convertAll(schema, params, (property, value) => convert(property, value))
}

function convertAll<V>(schema: TSchema, values: Record<string, V>, convertOne: (property: JsonSchema, value: V) => unknown): Values {
  const { properties = {} } = schema as JsonSchema
  // Without a prototype, as Fastify's own: a parameter named __proto__ is one more unknown parameter.
  const converted: Values = Object.create(null)
  for (const [name, value] of Object.entries(values)) {
    converted[name] = Object.hasOwn(properties, name) ? convertOne(properties[name]!, value) : value
  }
  return converted
}

function convert(schema: JsonSchema, text: string): unknown {
  // RFC 9562 §4: written in small letters, read in either.
  if (schema.format === 'uuid') return text.toLowerCase()
  if (schema.type === 'boolean') return convertBoolean(text)
  if (schema.type === 'integer') return /^-?\d{1,15}$/.test(text) ? Number(text) : text
  if (schema.type === 'number') return /^-?\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : text
  return text
}

/** Python's `requests` sends `True`, browsers `true`, and many people 1. */
function convertBoolean(text: string): boolean | string {
  if (/^(true|1)$/i.test(text)) return true
  return /^(false|0)$/i.test(text) ? false : text
}
