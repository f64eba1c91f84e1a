import type { JsonSchema } from './json-schema.ts'

const FORMATS: Record<string, string> = {
  uuid: 'a UUID',
  'date-time': 'a date and time such as 2026-01-31T12:00:00Z',
  date: 'a date such as 2026-01-31',
  uri: 'a URL',
  url: 'a URL',
  email: 'an e-mail address',
}

/** What a schema asks for, as the end of the sentence "it must be …". Empty where it asks for nothing in particular. */
export function expectation(schema: JsonSchema): string {
  if (schema.const !== undefined) return literal(schema.const)
  if (schema.enum) return oneOf(schema.enum.map(literal))
  const forms = schema.anyOf ?? schema.oneOf
  if (forms) return oneOf([...new Set(forms.map(expectation).filter(Boolean))])
  if (Array.isArray(schema.type)) return oneOf(schema.type.map((type) => ofType({ ...schema, type }, type)))
  return schema.type === undefined ? '' : ofType(schema, schema.type)
}

function ofType(schema: JsonSchema, type: string): string {
  switch (type) {
    case 'integer':
      return `an integer${range(schema)}`
    case 'number':
      return `a number${range(schema)}`
    case 'string':
      return text(schema)
    case 'boolean':
      return 'true or false'
    case 'array':
      return `a list${size(schema.minItems, schema.maxItems, 'item')}`
    case 'object':
      return 'an object'
    default:
      return type
  }
}

function text(schema: JsonSchema): string {
  if (schema.format && FORMATS[schema.format]) return FORMATS[schema.format]!
  const length = size(schema.minLength, schema.maxLength, 'character')
  return schema.pattern ? `a text${length} that matches ${schema.pattern}` : `a text${length}`
}

function range({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: JsonSchema): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`
  const bounds = [
    minimum === undefined ? '' : `of at least ${minimum}`,
    exclusiveMinimum === undefined ? '' : `greater than ${exclusiveMinimum}`,
    maximum === undefined ? '' : `of at most ${maximum}`,
    exclusiveMaximum === undefined ? '' : `less than ${exclusiveMaximum}`,
  ].filter(Boolean)
  return bounds.length === 0 ? '' : ` ${bounds.join(' and ')}`
}

function size(least: number | undefined, most: number | undefined, unit: string): string {
  const units = (count: number) => `${count} ${unit}${count === 1 ? '' : 's'}`
  if (least && most !== undefined) return ` of ${least} to ${units(most)}`
  if (least) return ` of at least ${units(least)}`
  return most === undefined ? '' : ` of at most ${units(most)}`
}

function literal(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : JSON.stringify(value)
}

function oneOf(parts: string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} or ${parts.at(-1)}`
}
