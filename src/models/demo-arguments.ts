type Schema = Record<string, unknown>

const deepest = 6

const byFormat: Record<string, string> = {
  date: '2026-01-31',
  'date-time': '2026-01-31T12:00:00Z',
  time: '12:00:00Z',
  email: 'demo@example.com',
  uri: 'https://example.com/',
  uuid: '00000000-0000-4000-8000-000000000000',
}

/**
 * Plausible arguments for a tool, the same each time: `query` where the tool takes one, and what its JSON Schema requires.
 * Texts are what the user said. Nothing is looked up, so a `$ref` becomes an empty object.
 */
export function demoArguments(parameters: object, asked: string): Record<string, unknown> {
  const schema = parameters as Schema
  const query = properties(schema).get('query')
  const required = requiredOf(schema, asked, 0)
  // The question itself, even where the tool has a default for it.
  return query ? { ...required, query: plausible({ ...query, default: undefined }, asked, 1) } : required
}

/** A value that fits a JSON Schema, the same each time, as far as one can be made without looking things up. */
export function demoValue(schema: object | boolean, asked: string): unknown {
  return plausible(schema === true || schema === false ? {} : (schema as Schema), asked, 0)
}

function requiredOf(schema: Schema, asked: string, depth: number): Record<string, unknown> {
  const required = Array.isArray(schema['required']) ? schema['required'].filter((name) => typeof name === 'string') : []
  const known = properties(schema)
  return Object.fromEntries(required.map((name) => [name, plausible(known.get(name) ?? {}, asked, depth + 1)]))
}

function plausible(schema: Schema, asked: string, depth: number): unknown {
  const fixed = ['const', 'default'].find((key) => schema[key] !== undefined)
  if (fixed) return schema[fixed]
  if (Array.isArray(schema['enum']) && schema['enum'].length > 0) return schema['enum'][0]
  const choice = ['anyOf', 'oneOf', 'allOf'].map((key) => schema[key]).find((one) => Array.isArray(one) && isSchema(one[0]))
  if (choice && depth < deepest) return plausible((choice as Schema[])[0]!, asked, depth + 1)
  switch (typeOf(schema)) {
    case 'string':
      return text(schema, asked)
    case 'integer':
    case 'number':
      return number(schema)
    case 'boolean':
      return true
    case 'array':
      return depth < deepest && isSchema(schema['items']) ? list(schema, schema['items'], asked, depth) : []
    case 'null':
      return null
    default:
      return depth < deepest ? requiredOf(schema, asked, depth) : {}
  }
}

function typeOf(schema: Schema): unknown {
  const type = Array.isArray(schema['type']) ? schema['type'].find((one) => one !== 'null') : schema['type']
  return type ?? (schema['properties'] || Object.keys(schema).length > 0 ? 'object' : 'string')
}

function list(schema: Schema, items: Schema, asked: string, depth: number): unknown[] {
  const least = typeof schema['minItems'] === 'number' ? Math.min(schema['minItems'], 100) : 1
  return Array.from({ length: Math.max(schema['maxItems'] === 0 ? 0 : 1, least) }, () => plausible(items, asked, depth + 1))
}

function number({ minimum, maximum, exclusiveMinimum, multipleOf }: Schema): number {
  if (typeof minimum === 'number') return minimum
  if (typeof exclusiveMinimum === 'number') return Math.floor(exclusiveMinimum) + 1
  const value = typeof multipleOf === 'number' ? multipleOf : 1
  return typeof maximum === 'number' ? Math.min(value, maximum) : value
}

function text(schema: Schema, asked: string): string {
  const example = byFormat[String(schema['format'])]
  const longest = schema['maxLength']
  const value = example ?? asked
  const cut = typeof longest === 'number' ? value.slice(0, longest).toWellFormed() : value
  const shortest = schema['minLength']
  return typeof shortest === 'number' && shortest <= 1_000 ? cut.padEnd(shortest, '.') : cut
}

/** A map, because a property may be named `constructor`. */
function properties(schema: Schema): Map<string, Schema> {
  const given = isSchema(schema['properties']) ? schema['properties'] : {}
  return new Map(Object.entries(given).filter((entry): entry is [string, Schema] => isSchema(entry[1])))
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
