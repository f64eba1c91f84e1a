import { isObject } from '../../graph/definition.ts'

/** What of an OpenAPI document cannot be made into tools; the message says what. */
export class DocumentUnusable extends Error {}

type Fields = Record<string, unknown>

/** Words of OpenAPI, or for readers alone, that JSON Schema does not have. */
const LEFT_OUT = new Set(['example', 'examples', 'xml', 'externalDocs', 'discriminator', 'nullable', 'deprecated', 'readOnly', 'writeOnly'])

/** How deep a schema of a document may be. */
const DEEPEST = 64

/** Turns the schemas of a document into ones that stand by themselves: what they refer to comes along, in `$defs`. */
export class SchemaTaker {
  readonly #document: Fields
  readonly #names = new Map<string, string>()
  readonly #definitions: Fields = {}

  constructor(document: Fields) {
    this.#document = document
  }

  /** All that was referred to so far, for the schema that holds what was taken. */
  get definitions(): { $defs?: Fields } {
    return this.#names.size > 0 ? { $defs: this.#definitions } : {}
  }

  /** @throws DocumentUnusable for a reference that leads out of the document, or nowhere */
  take(schema: unknown, depth = 0): unknown {
    if (depth > DEEPEST) throw new DocumentUnusable(`has a schema that is nested more than ${DEEPEST} deep`)
    if (Array.isArray(schema)) return schema.map((item) => this.take(item, depth + 1))
    if (!isObject(schema)) return schema
    if (typeof schema['$ref'] === 'string') return { $ref: `#/$defs/${this.#nameOf(schema['$ref'])}` }
    const taken = Object.entries(schema).flatMap(([key, value]) => this.#member(key, value, depth))
    return withNull(Object.fromEntries(taken), schema['nullable'] === true)
  }

  #member(key: string, value: unknown, depth: number): [string, unknown][] {
    if (LEFT_OUT.has(key) || key.startsWith('x-')) return []
    // OpenAPI 3.0 has a boolean beside `minimum`, which only says a little more.
    if ((key === 'exclusiveMinimum' || key === 'exclusiveMaximum') && typeof value === 'boolean') return []
    if (key === 'enum' || key === 'const' || key === 'default' || key === 'required') return [[key, value]]
    if ((key === 'properties' || key === 'patternProperties') && isObject(value)) {
      return [[key, Object.fromEntries(Object.entries(value).map(([name, item]) => [name, this.take(item, depth + 1)]))]]
    }
    return [[key, this.take(value, depth + 1)]]
  }

  #nameOf(reference: string): string {
    const known = this.#names.get(reference)
    if (known !== undefined) return known
    const base = reference.slice(reference.lastIndexOf('/') + 1).replace(/[^\w-]/g, '_')
    const name = Object.hasOwn(this.#definitions, base) ? `${base}_${this.#names.size}` : base
    // Before it is taken, since it may refer to itself.
    this.#names.set(reference, name)
    this.#definitions[name] = this.take(resolve(this.#document, reference))
    return name
  }
}

/** What a reference within the document leads to. @throws DocumentUnusable */
export function resolve(document: Fields, reference: string): unknown {
  if (!reference.startsWith('#/'))
    throw new DocumentUnusable(`refers to '${reference.slice(0, 200)}', and only references within the document are followed`)
  let at: unknown = document
  for (const part of reference.slice(2).split('/')) {
    const name = decoded(part).replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name))
      throw new DocumentUnusable(`refers to '${reference.slice(0, 200)}', which it does not have`)
    at = (at as Fields)[name]
  }
  return at
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** OpenAPI 3.0 says it beside the type. */
function withNull(schema: Fields, isNullable: boolean): Fields {
  if (!isNullable || typeof schema['type'] !== 'string') return schema
  const { enum: values } = schema
  return { ...schema, type: [schema['type'], 'null'], ...(Array.isArray(values) && { enum: [...(values as unknown[]), null] }) }
}
