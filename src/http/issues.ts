import type { TSchema } from 'typebox'
import type { TValidationError } from 'typebox/error'
import type { Issue } from '../errors.ts'
import { escapeSegment, type JsonSchema, schemaAt, segments, valueAt } from './json-schema.ts'
import { expectation } from './expectation.ts'

/** Turns TypeBox's errors into problems that a person can act on. */

export type Part = 'path' | 'query' | 'body'

type Fault = TValidationError

const CODES: Record<string, string> = {
  type: 'wrong_type',
  anyOf: 'wrong_type',
  oneOf: 'wrong_type',
  const: 'not_allowed',
  enum: 'not_allowed',
  minimum: 'out_of_range',
  maximum: 'out_of_range',
  exclusiveMinimum: 'out_of_range',
  exclusiveMaximum: 'out_of_range',
  multipleOf: 'out_of_range',
  minLength: 'too_short',
  minItems: 'too_short',
  minProperties: 'too_short',
  maxLength: 'too_long',
  maxItems: 'too_long',
  maxProperties: 'too_long',
  pattern: 'wrong_format',
  format: 'wrong_format',
  uniqueItems: 'repeated',
}

export function issuesOf(faults: readonly Fault[], schema: TSchema, value: unknown, part: Part): Issue[] {
  const context: Context = { schema: schema as JsonSchema, value, part }
  const issues = oneFormEach(faults).flatMap((fault) => issuesOfOne(fault, context))
  // A literal fails by type and by value at once, with the same sentence.
  const seen = new Set<string>()
  return issues.filter(({ pointer, message }) => {
    const key = `${pointer} ${message}`
    return !seen.has(key) && seen.add(key)
  })
}

interface Context {
  schema: JsonSchema
  value: unknown
  part: Part
}

/**
 * Where a value fits none of several forms, TypeBox reports the faults of each form and then that none fits. What helps is
 * the faults of the form that was meant: of those whose type is right, the one with the fewest.
 */
function oneFormEach(faults: readonly Fault[]): Fault[] {
  let kept = [...faults]
  // The faults of a union within a form come before those of the union around it.
  for (const union of faults.filter(({ keyword }) => keyword === 'anyOf')) {
    const prefix = `${union.schemaPath}/anyOf/`
    const isOfForm = (fault: Fault) => fault.schemaPath.startsWith(prefix) && isWithin(fault.instancePath, union.instancePath)
    const forms = Map.groupBy(kept.filter(isOfForm), (fault) => fault.schemaPath.slice(prefix.length).split('/', 1)[0]!)
    const meant = meantForm([...forms.values()], union.instancePath)
    kept = kept.filter((fault) => (fault === union ? meant === undefined : !isOfForm(fault) || meant?.includes(fault)))
  }
  return kept
}

function isWithin(pointer: string, outer: string): boolean {
  return pointer === outer || pointer.startsWith(`${outer}/`)
}

function meantForm(forms: Fault[][], pointer: string): Fault[] | undefined {
  const ofRightType = forms.filter(
    (faults) => !faults.some(({ instancePath, keyword }) => instancePath === pointer && ['type', 'const', 'enum'].includes(keyword)),
  )
  return ofRightType.toSorted((left, right) => left.length - right.length)[0]
}

function issuesOfOne(fault: Fault, context: Context): Issue[] {
  const { instancePath } = fault
  switch (fault.keyword) {
    case 'required':
      return fault.params.requiredProperties.map((name) => missing(`${instancePath}/${escapeSegment(name)}`, fault, context))
    case 'boolean':
      return [unknownField(instancePath, fault, context)]
    // Each of the unknown fields has had its own fault, 'boolean', before this one that lists them all.
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return []
    default:
      return [violation(fault, context)]
  }
}

function missing(pointer: string, fault: Fault, context: Context): Issue {
  const schema = schemaAt(context.schema, `${fault.schemaPath}/properties/${pointer.split('/').at(-1)}`)
  const should = schema && expectation(schema)
  const name = nameOf(pointer, context.part)
  const message = schema?.['x-message']
    ? `${name} is missing. ${schema['x-message']}`
    : `${name} is missing${should ? `; it must be ${should}` : ''}.`
  return { pointer: shown(pointer, context.part), code: 'required', message }
}

function unknownField(pointer: string, fault: Fault, { schema, part }: Context): Issue {
  const owner = schemaAt(schema, fault.schemaPath.replace(/\/(additionalProperties|unevaluatedProperties)$/, ''))
  const known = Object.keys(owner?.properties ?? {})
  const what = part === 'query' ? 'parameter' : 'field'
  const hint = known.length === 0 ? `no ${what} is taken here` : `the ${what}s here are ${list(known)}`
  return { pointer: shown(pointer, part), code: `unknown_${what}`, message: `${nameOf(pointer, part)} is not a known ${what}; ${hint}.` }
}

function violation(fault: Fault, { schema, value, part }: Context): Issue {
  const { instancePath, schemaPath, keyword } = fault
  const broken = schemaAt(schema, schemaPath)
  const found = valueAt(value, instancePath)
  const pointer = shown(instancePath, part)
  // A choice has no type that a list could break.
  if (part === 'query' && Array.isArray(found) && (keyword === 'type' || isChoice(broken)))
    return { pointer, code: 'repeated_parameter', message: `${nameOf(instancePath, part)} is given more than once.` }
  const message =
    broken?.['x-message'] ??
    `${nameOf(instancePath, part)} must be ${(broken && expectation(broken)) || `as '${keyword}' says`}; it is ${describe(found)}.`
  return { pointer, code: isChoice(broken) ? 'not_allowed' : (CODES[keyword] ?? 'invalid'), message }
}

/** One of several values, however it is written. */
function isChoice(schema: JsonSchema | undefined): boolean {
  return schema?.enum !== undefined || schema?.anyOf?.every((form) => form.const !== undefined) === true
}

/** `'chat_history[2].content'` rather than a pointer, in the sentence. */
function nameOf(pointer: string, part: Part): string {
  const path = segments(pointer)
  if (path.length === 0) return part === 'body' ? 'The body' : 'The query'
  const name = path.map((segment, index) => (/^\d+$/.test(segment) ? `[${segment}]` : index === 0 ? segment : `.${segment}`)).join('')
  return `'${clip(name, 200)}'`
}

/** RFC 6901 into the body, `/name` for a part of the path, `?name` for a query parameter. */
function shown(pointer: string, part: Part): string {
  if (part !== 'query') return pointer
  return `?${segments(pointer)[0] ?? ''}`
}

function list(names: readonly string[]): string {
  const quoted = names.map((name) => `'${name}'`)
  return quoted.length === 1 ? quoted[0]! : `${quoted.slice(0, -1).join(', ')} and ${quoted.at(-1)}`
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (value !== null && typeof value === 'object') return 'an object'
  if (typeof value === 'string' && value.length > 80) return `a text of ${countCharacters(value)} characters`
  return clip(JSON.stringify(value) ?? 'absent', 100)
}

/** Code points, as `maxLength` counts them (JSON Schema, Validation §6.3.1). */
function countCharacters(text: string): number {
  let count = 0
  for (const _ of text) count += 1
  return count
}

/** An emoji may be cut in two, and half of one is no Unicode. */
function clip(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length).toWellFormed()}…` : text
}
