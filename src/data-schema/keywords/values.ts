import { isEqual } from '../equality.ts'
import { describe, list, literal } from '../path.ts'
import { isOfType, TYPES, type JsonType } from '../types.ts'
import type { Keyword } from './keyword.ts'

const WORDS: Record<JsonType, string> = {
  null: 'null',
  boolean: 'true or false',
  number: 'a number',
  integer: 'a whole number',
  string: 'a text',
  array: 'a list',
  object: 'an object',
}

export const type: Keyword = (schema) => {
  if (!schema.has('type')) return undefined
  const types = [schema.get('type')].flat()
  if (types.length === 0 || !types.every(isType))
    return schema.refuse('type', `'type' must be one of ${list(TYPES, 'and')}, or a list of them.`)
  const should = `must be ${list(
    types.map((one) => WORDS[one]),
    'or',
  )}`
  const [only] = types
  if (types.length === 1) return (value, run) => isOfType(value, only!) || run.fail('wrong_type', `${should}; it is ${describe(value)}`)
  return (value, run) => types.some((one) => isOfType(value, one)) || run.fail('wrong_type', `${should}; it is ${describe(value)}`)
}

function isType(value: unknown): value is JsonType {
  return TYPES.some((one) => one === value)
}

export const constant: Keyword = (schema) => {
  if (!schema.has('const')) return undefined
  const expected = schema.get('const')
  const should = `must be ${literal(expected)}`
  return (value, run) => isEqual(value, expected, run) || run.fail('not_allowed', `${should}; it is ${describe(value)}`)
}

const SHOWN = 20

export const enumeration: Keyword = (schema) => {
  const values = schema.get('enum')
  if (values === undefined) return undefined
  if (!Array.isArray(values)) return schema.refuse('enum', `'enum' must be a list of values.`)
  const plain = new Set(values.filter((value) => typeof value !== 'object' || value === null))
  const others = values.filter((value) => typeof value === 'object' && value !== null)
  const shown = [...values.slice(0, SHOWN).map(literal), ...(values.length > SHOWN ? ['others'] : [])]
  const should = `must be ${list(shown, 'or')}`
  return (value, run) =>
    plain.has(value) || others.some((other) => isEqual(value, other, run)) || run.fail('not_allowed', `${should}; it is ${describe(value)}`)
}

/** What cannot be had is refused rather than left unchecked. */
export const unsupported: Keyword = (schema) => {
  for (const keyword of ['$dynamicRef', '$recursiveRef']) {
    if (schema.has(keyword)) schema.refuse(keyword, `'${keyword}' is not supported; use $ref.`)
  }
  const id = schema.get('$id')
  if (typeof id === 'string' && schema.pointer !== '' && !id.startsWith('#'))
    schema.refuse('$id', `Only the whole schema has an '$id'; refer to parts of it by their place, as in #/$defs/name.`)
  return undefined
}
