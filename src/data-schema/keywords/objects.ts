import { list } from '../path.ts'
import type { Pattern } from '../pattern.ts'
import type { Check, Run } from '../run.ts'
import { isObject, type SchemaObject } from '../schema-object.ts'
import type { Keyword } from './keyword.ts'
import { matches } from './texts.ts'

export const required: Keyword = (schema) => {
  const names = schema.names('required')
  if (names === undefined || names.length === 0) return undefined
  return (value, run) => !isObject(value) || hasAll(value, names, run)
}

function hasAll(value: object, names: readonly string[], run: Run): boolean {
  let fits = true
  for (const name of names) {
    if (Object.hasOwn(value, name)) continue
    fits = run.fail('required', 'is missing', name)
    if (run.isDecided) return false
  }
  return fits
}

/** `properties`, `patternProperties` and `additionalProperties`, which divide the members among them. */
export const members: Keyword = (schema) => {
  const properties = new Map(schema.partSchemas('properties'))
  const patterns = patternsOf(schema)
  const additional = schema.partSchema('additionalProperties')
  if (additional === undefined && patterns.length === 0) return properties.size === 0 ? undefined : eachProperty(properties)
  const isClosed = schema.get('additionalProperties') === false
  const known = list(
    [...properties.keys()].slice(0, 20).map((name) => `'${name}'`),
    'and',
  )
  const unknown = known === '' ? 'is not known here' : `is not known; known here are ${known}`
  const checkMember = (name: string, member: unknown, run: Run): boolean => {
    const property = properties.get(name)
    let isKnown = property !== undefined
    let fits = property === undefined || run.child(name, property, member)
    for (const { pattern, check } of patterns) {
      if (!matches(pattern, name, run)) continue
      isKnown = true
      fits = run.child(name, check, member) && fits
    }
    if (isKnown || additional) run.evaluated?.names.add(name)
    if (isKnown || !additional) return fits
    return isClosed ? run.fail('unknown_field', unknown, name) : run.child(name, additional, member)
  }
  return (value, run) => !isObject(value) || eachMember(value, run, checkMember)
}

function eachProperty(properties: ReadonlyMap<string, Check>): Check {
  return (value, run) => {
    if (!isObject(value)) return true
    let fits = true
    for (const [name, check] of properties) {
      if (!Object.hasOwn(value, name)) continue
      run.step()
      run.evaluated?.names.add(name)
      if (run.child(name, check, value[name])) continue
      fits = false
      if (run.isDecided) return false
    }
    return fits
  }
}

function eachMember(value: Record<string, unknown>, run: Run, check: (name: string, member: unknown, run: Run) => boolean): boolean {
  let fits = true
  for (const name of Object.keys(value)) {
    run.step()
    if (check(name, value[name], run)) continue
    fits = false
    if (run.isDecided) return false
  }
  return fits
}

function patternsOf(schema: SchemaObject): { pattern: Pattern; check: Check }[] {
  return (schema.partSchemas('patternProperties') ?? []).flatMap(([source, check]) => {
    const pattern = schema.pattern('patternProperties', source)
    return pattern ? [{ pattern, check }] : []
  })
}

export const membersCount: Keyword = (schema) => {
  const least = schema.count('minProperties') ?? 0
  const most = schema.count('maxProperties') ?? Infinity
  if (least === 0 && most === Infinity) return undefined
  return (value, run) => {
    if (!isObject(value)) return true
    const count = Object.keys(value).length
    if (count < least) return run.fail('too_short', `must have at least ${least} fields; it has ${count}`)
    return count <= most || run.fail('too_long', `must have at most ${most} fields; it has ${count}`)
  }
}

export const propertyNames: Keyword = (schema) => {
  const check = schema.partSchema('propertyNames')
  if (check === undefined) return undefined
  return (value, run) =>
    !isObject(value) ||
    eachMember(value, run, (name) => run.quietly(check, name) || run.fail('invalid', 'has a name that is not allowed here', name))
}

/** `dependentRequired`, `dependentSchemas`, and `dependencies`, which was both of them. */
export const dependencies: Keyword = (schema) => {
  const names = [...(schema.entries('dependentRequired') ?? []), ...dependenciesOf(schema, (value) => Array.isArray(value))].flatMap(
    ([name, value]): [string, string[]][] => {
      const needed = schema.toNames('dependentRequired', value)
      return needed ? [[name, needed]] : []
    },
  )
  const schemas = [
    ...(schema.sameSchemas('dependentSchemas') ?? []),
    ...dependenciesOf(schema, (value) => !Array.isArray(value)).map(([name, value]): [string, Check] => [
      name,
      schema.compiler.compile(value, `${schema.pointer}/dependencies`, schema.schema),
    ]),
  ]
  if (names.length === 0 && schemas.length === 0) return undefined
  return (value, run) => {
    if (!isObject(value)) return true
    let fits = true
    for (const [name, needed] of names) if (Object.hasOwn(value, name)) fits = hasAll(value, needed, run) && fits
    for (const [name, check] of schemas) if (Object.hasOwn(value, name)) fits = check(value, run) && fits
    return fits
  }
}

function dependenciesOf(schema: SchemaObject, isMeant: (value: unknown) => boolean): [string, unknown][] {
  return (schema.entries('dependencies') ?? []).filter(([, value]) => isMeant(value))
}

export const unevaluatedProperties: Keyword = (schema) => {
  const check = schema.partSchema('unevaluatedProperties')
  if (check === undefined) return undefined
  const isClosed = schema.get('unevaluatedProperties') === false
  return (value, run) => {
    const { evaluated } = run
    if (!isObject(value) || evaluated === undefined) return true
    return eachMember(value, run, (name, member) => {
      if (evaluated.names.has(name)) return true
      evaluated.names.add(name)
      return isClosed ? run.fail('unknown_field', 'is not known here', name) : run.child(name, check, member)
    })
  }
}
