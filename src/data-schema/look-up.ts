import { Pattern } from './pattern.ts'
import { resolveReference } from './reference.ts'
import { isObject, type Schema } from './schema-object.ts'
import { isOfType, TYPES, type JsonType } from './types.ts'

/** What a schema says about a place within the values that fit it. */
export interface Knowledge {
  /** `known`: declared; `unknown`: ruled out; `maybe`: neither. */
  status: 'known' | 'unknown' | 'maybe'
  types: ReadonlySet<JsonType>
}

type Path = readonly (string | number)[]

const ALL: ReadonlySet<JsonType> = new Set(TYPES.filter((type) => type !== 'integer'))
const NONE: ReadonlySet<JsonType> = new Set()
const ANYTHING: Knowledge = { status: 'maybe', types: ALL }
const RULED_OUT: Knowledge = { status: 'unknown', types: NONE }
const COUNT: Knowledge = { status: 'known', types: new Set(['number']) }

/** Parts of a schema that are looked at, at most: forms within forms can be many. */
const MAX_STEPS = 5_000

export function lookUp(schema: unknown, path: Path): Knowledge {
  return new LookUp(schema).at(schema, path, 0)
}

class LookUp {
  readonly #root: unknown
  #steps = 0

  constructor(root: unknown) {
    this.#root = root
  }

  at(schema: unknown, path: Path, depth: number): Knowledge {
    this.#steps += 1
    if (schema === false) return RULED_OUT
    if (!isObject(schema) || this.#steps > MAX_STEPS || depth > 200) return path.length === 0 ? { status: 'known', types: ALL } : ANYTHING
    const parts = [path.length === 0 ? ownTypes(schema) : this.#within(schema, path, depth), ...this.#alsoHolds(schema, path, depth)]
    return parts.reduce(both)
  }

  /** What the keywords say that bring in other schemas for the same value. */
  #alsoHolds(schema: Schema, path: Path, depth: number): Knowledge[] {
    const all: Knowledge[] = []
    if (typeof schema['$ref'] === 'string') {
      const found = resolveReference(this.#root, schema['$ref'])
      if (typeof found !== 'string') all.push(this.at(found.schema, path, depth + 1))
    }
    for (const form of listOf(schema['allOf'])) all.push(this.at(form, path, depth + 1))
    for (const keyword of ['anyOf', 'oneOf']) {
      const forms = listOf(schema[keyword]).map((form) => this.at(form, path, depth + 1))
      if (forms.length > 0) all.push(forms.reduce(either))
    }
    if (schema['if'] !== undefined) {
      const forms = ['then', 'else'].map((keyword) => this.at(schema[keyword] ?? true, path, depth + 1))
      all.push(forms.reduce(either))
    }
    return all
  }

  #within(schema: Schema, path: Path, depth: number): Knowledge {
    const { types } = ownTypes(schema)
    const forms: Knowledge[] = []
    if (types.has('object')) forms.push(this.#inObject(schema, path, depth))
    if (types.has('array')) forms.push(this.#inList(schema, path, depth))
    if (types.has('string') && types.size < ALL.size) forms.push(path.length === 1 && path[0] === 'size' ? COUNT : RULED_OUT)
    return forms.length === 0 ? RULED_OUT : forms.reduce(either)
  }

  #inObject(schema: Schema, [key, ...rest]: Path, depth: number): Knowledge {
    const name = String(key)
    const declared: Knowledge[] = []
    const { properties, patternProperties, additionalProperties } = schema
    if (isObject(properties) && Object.hasOwn(properties, name)) declared.push(this.at(properties[name], rest, depth + 1))
    for (const [source, form] of isObject(patternProperties) ? Object.entries(patternProperties) : []) {
      if (matches(source, name)) declared.push(this.at(form, rest, depth + 1))
    }
    if (declared.length > 0) return declared.reduce(both)
    if (name === 'size' && rest.length === 0) return COUNT
    if (schema['unevaluatedProperties'] === false && !combines(schema)) return RULED_OUT
    const { status, types } = this.at(additionalProperties ?? true, rest, depth + 1)
    return { status: status === 'unknown' ? 'unknown' : 'maybe', types }
  }

  #inList(schema: Schema, [key, ...rest]: Path, depth: number): Knowledge {
    if (key === 'size') return rest.length === 0 ? COUNT : RULED_OUT
    const index = key === 'first' ? 0 : typeof key === 'number' || /^\d+$/.test(key!) ? Number(key) : undefined
    if (index === undefined && key !== 'last') return RULED_OUT
    const isOld = Array.isArray(schema['items'])
    const first = listOf(isOld ? schema['items'] : schema['prefixItems'])
    const others = isOld ? schema['additionalItems'] : schema['items']
    if (index !== undefined && index >= 0 && index < first.length) return this.at(first[index], rest, depth + 1)
    if (first.length > 0 && (index === undefined || index < 0)) return ANYTHING
    if (others === undefined) return ANYTHING
    return this.at(others, rest, depth + 1)
  }
}

function ownTypes(schema: Schema): Knowledge {
  let types = ALL
  if (schema['type'] !== undefined) {
    const named = new Set([schema['type']].flat())
    types = new Set(TYPES.filter((type) => named.has(type)))
  }
  const values = schema['const'] === undefined ? schema['enum'] : [schema['const']]
  if (Array.isArray(values)) {
    const found = new Set(TYPES.filter((type) => type !== 'integer' && values.some((value) => isOfType(value, type))))
    types = shared(types, found)
  }
  return { status: 'known', types }
}

/** Both hold. */
function both(left: Knowledge, right: Knowledge): Knowledge {
  if (left.status === 'unknown' || right.status === 'unknown') return RULED_OUT
  return { status: left.status === 'known' || right.status === 'known' ? 'known' : 'maybe', types: shared(left.types, right.types) }
}

/** One of them holds. */
function either(left: Knowledge, right: Knowledge): Knowledge {
  return { status: left.status === right.status ? left.status : 'maybe', types: left.types.union(right.types) }
}

/** A whole number is a number as well. */
function shared(left: ReadonlySet<JsonType>, right: ReadonlySet<JsonType>): ReadonlySet<JsonType> {
  const types = new Set(left.intersection(right))
  if ((left.has('integer') && right.has('number')) || (right.has('integer') && left.has('number'))) types.add('integer')
  return types
}

/** Whether other schemas may know more members. */
function combines(schema: Schema): boolean {
  return ['$ref', 'allOf', 'anyOf', 'oneOf', 'if', 'dependentSchemas', 'dependencies'].some((keyword) => keyword in schema)
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function matches(source: string, name: string): boolean {
  try {
    const pattern = new Pattern(source)
    return pattern.isSlowOn(name) || pattern.matches(name)
  } catch {
    return true
  }
}
