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

/** What was said, and what of it can be put into a value. */
interface Asked {
  text: string
  /** Those that stand in the text and were not used yet. */
  numbers: number[]
}

/**
 * Plausible arguments for a tool, the same each time: `query` where the tool takes one, and what its JSON Schema requires.
 * Texts are what the user said, numbers those that stand in it, one after the other, and of several values it is the one that it
 * mentions. Nothing is looked up, so a `$ref` becomes an empty object.
 */
export function demoArguments(parameters: object, asked: string): Record<string, unknown> {
  const schema = parameters as Schema
  const query = properties(schema).get('query')
  const required = requiredOf(schema, read(asked), 0)
  // The question itself, even where the tool has a default for it.
  return query ? { ...required, query: plausible({ ...query, default: undefined }, read(asked), 1) } : required
}

/** A value that fits a JSON Schema, the same each time, as far as one can be made without looking things up. */
export function demoValue(schema: object | boolean, asked: string): unknown {
  return plausible(schema === true || schema === false ? {} : (schema as Schema), read(asked), 0)
}

/** Of what was said, characters that are looked through for what it mentions. */
const LONGEST_READ = 10_000

/** Whether a text speaks of something by its name, in capitals or not. */
export function mentions(whole: string, name: string): boolean {
  const text = whole.slice(0, LONGEST_READ)
  const at = text.toLowerCase().indexOf(name.toLowerCase())
  if (at === -1 || name === '') return false
  const isWord = (character: string | undefined): boolean => character !== undefined && /[\p{L}\p{N}_]/u.test(character)
  return !isWord(text[at - 1]) && !isWord(text[at + name.length])
}

function read(text: string): Asked {
  const numbers = text.slice(0, LONGEST_READ).match(/(?<![\w.])-?\d{1,15}(?:\.\d{1,10})?(?![\w])/g) ?? []
  return { text, numbers: numbers.map(Number) }
}

function requiredOf(schema: Schema, asked: Asked, depth: number): Record<string, unknown> {
  const required = Array.isArray(schema['required']) ? schema['required'].filter((name) => typeof name === 'string') : []
  const known = properties(schema)
  return Object.fromEntries(required.map((name) => [name, plausible(known.get(name) ?? {}, asked, depth + 1)]))
}

function plausible(schema: Schema, asked: Asked, depth: number): unknown {
  const fixed = ['const', 'default'].find((key) => schema[key] !== undefined)
  if (fixed) return schema[fixed]
  if (Array.isArray(schema['enum']) && schema['enum'].length > 0) {
    return schema['enum'].find((one) => typeof one === 'string' && mentions(asked.text, one)) ?? schema['enum'][0]
  }
  const choice = ['anyOf', 'oneOf', 'allOf'].map((key) => schema[key]).find((one) => Array.isArray(one) && isSchema(one[0]))
  if (choice && depth < deepest) return plausible((choice as Schema[])[0]!, asked, depth + 1)
  switch (typeOf(schema)) {
    case 'string':
      return text(schema, asked.text)
    case 'integer':
    case 'number':
      return number(schema, asked)
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

function list(schema: Schema, items: Schema, asked: Asked, depth: number): unknown[] {
  const least = typeof schema['minItems'] === 'number' ? Math.min(schema['minItems'], 100) : 1
  return Array.from({ length: Math.max(schema['maxItems'] === 0 ? 0 : 1, least) }, () => plausible(items, asked, depth + 1))
}

function number(schema: Schema, { numbers }: Asked): number {
  const fitting = numbers.findIndex((one) => fits(schema, one))
  if (fitting >= 0) return numbers.splice(fitting, 1)[0]!
  const { minimum, maximum, exclusiveMinimum, multipleOf } = schema
  if (typeof minimum === 'number') return minimum
  if (typeof exclusiveMinimum === 'number') return Math.floor(exclusiveMinimum) + 1
  const value = typeof multipleOf === 'number' ? multipleOf : 1
  return typeof maximum === 'number' ? Math.min(value, maximum) : value
}

function fits(schema: Schema, value: number): boolean {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema
  if (typeOf(schema) === 'integer' && !Number.isInteger(value)) return false
  if (typeof minimum === 'number' && value < minimum) return false
  if (typeof maximum === 'number' && value > maximum) return false
  if (typeof exclusiveMinimum === 'number' && value <= exclusiveMinimum) return false
  if (typeof exclusiveMaximum === 'number' && value >= exclusiveMaximum) return false
  return typeof multipleOf !== 'number' || value % multipleOf === 0
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
