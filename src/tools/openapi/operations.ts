import { isObject } from '../../graph/definition.ts'
import { DocumentUnusable, resolve, SchemaTaker } from './schema.ts'

/** An operation, as a release records it. */
export interface Operation {
  name: string
  description: string
  method: string
  /** With `{name}` for what stands in it. */
  path: string
  /** JSON Schema of the arguments. */
  parameters: Record<string, unknown>
  /** Where each argument goes. */
  places: Place[]
  body: 'json' | 'text' | null
}

export interface Place {
  argument: string
  name: string
  in: 'path' | 'query' | 'header'
}

type Fields = Record<string, unknown>

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch']

/** OpenAPI 3.1, "Parameter Object": these are not for parameters to say. */
const NOT_HEADERS = new Set(['accept', 'content-type', 'authorization', 'cookie', 'host', 'idempotency-key'])

const MOST_OPERATIONS = 100
/** Characters of what a model is told of one operation: it is sent with every call. */
const LONGEST = 50_000

/**
 * The operations of an OpenAPI 3 document, as tools.
 * @param wanted their `operationId`s, or names such as `GET /orders`; all of them where it is left out
 * @throws DocumentUnusable
 */
export function operationsOf(document: unknown, wanted?: readonly string[]): Operation[] {
  if (!isObject(document) || typeof document['openapi'] !== 'string' || !document['openapi'].startsWith('3.'))
    throw new DocumentUnusable(`is no OpenAPI 3 document: its 'openapi' must be a version such as 3.1.0`)
  const left = new Set(wanted)
  const found: Operation[] = []
  for (const [path, item] of Object.entries(isObject(document['paths']) ? document['paths'] : {})) {
    const resolved = dereferenced(document, item)
    for (const method of METHODS) {
      const operation = resolved[method]
      if (!isObject(operation)) continue
      const names = [operation['operationId'], `${method.toUpperCase()} ${path}`].filter((name) => typeof name === 'string')
      if (wanted && !names.some((name) => left.delete(name))) continue
      found.push(new Taken(document, { path, method, operation, shared: resolved['parameters'] }).operation())
      if (found.length > MOST_OPERATIONS)
        throw new DocumentUnusable(`has more than ${MOST_OPERATIONS} operations. Name those that the agent needs in 'operations'`)
    }
  }
  if (left.size > 0) throw new DocumentUnusable(`has no operation ${[...left].map((name) => `'${name}'`).join(', ')}`)
  if (found.length === 0) throw new DocumentUnusable('has no operations')
  return found
}

interface Source {
  path: string
  method: string
  operation: Fields
  /** Of all operations of the path. */
  shared: unknown
}

class Taken {
  readonly #document: Fields
  readonly #source: Source
  readonly #schemas: SchemaTaker
  readonly #properties: Fields = {}
  readonly #required: string[] = []
  readonly #places: Place[] = []

  constructor(document: Fields, source: Source) {
    this.#document = document
    this.#source = source
    this.#schemas = new SchemaTaker(document)
  }

  operation(): Operation {
    const { path, method, operation } = this.#source
    const label = `${method.toUpperCase()} ${path}`
    if (!path.startsWith('/')) throw new DocumentUnusable(`has a path '${path.slice(0, 100)}' that does not begin with '/'`)
    for (const parameter of this.#allParameters()) this.#takeParameter(parameter)
    const body = this.#takeBody()
    for (const [, name] of path.matchAll(/\{([^}]*)\}/g)) {
      if (!this.#places.some((place) => place.in === 'path' && place.name === name))
        throw new DocumentUnusable(`does not describe '${name}' in the path of ${label}`)
    }
    const parameters = {
      type: 'object',
      properties: this.#properties,
      required: this.#required,
      additionalProperties: false,
      ...this.#schemas.definitions,
    }
    const id = typeof operation['operationId'] === 'string' ? operation['operationId'] : `${method}${path}`
    const words = [operation['summary'], operation['description']].filter((text) => typeof text === 'string' && text !== '')
    const taken: Operation = {
      name:
        id
          .replace(/[^A-Za-z0-9_-]+/g, '_')
          .replace(/^_+|_+$/g, '')
          .slice(0, 64) || method,
      description: [...new Set(words)].join('\n').slice(0, 4_000).toWellFormed() || label,
      method: method.toUpperCase(),
      path,
      parameters,
      places: this.#places,
      body,
    }
    if (JSON.stringify(taken).length > LONGEST) throw new DocumentUnusable(`describes ${label} in more than ${LONGEST} characters`)
    return taken
  }

  /** Those of the operation take the place of those of its path. */
  #allParameters(): Fields[] {
    const all = new Map<string, Fields>()
    for (const list of [this.#source.shared, this.#source.operation['parameters']]) {
      for (const one of Array.isArray(list) ? (list as unknown[]) : []) {
        const parameter = dereferenced(this.#document, one)
        all.set(`${String(parameter['in'])} ${String(parameter['name'])}`, parameter)
      }
    }
    return [...all.values()]
  }

  #takeParameter({ name, in: place, required, description, schema, content }: Fields): void {
    if (typeof name !== 'string' || (place !== 'path' && place !== 'query' && place !== 'header')) return
    if (place === 'header' && NOT_HEADERS.has(name.toLowerCase())) return
    const argument = Object.hasOwn(this.#properties, name) || name === 'body' ? `${place}_${name}` : name
    const own = this.#schemas.take(schema ?? schemaOfContent(content) ?? { type: 'string' })
    this.#properties[argument] = isObject(own) && typeof description === 'string' && !('$ref' in own) ? { ...own, description } : own
    if (required === true || place === 'path') this.#required.push(argument)
    this.#places.push({ argument, name, in: place })
  }

  #takeBody(): Operation['body'] {
    const { requestBody } = this.#source.operation
    if (requestBody === undefined) return null
    const { content, required } = dereferenced(this.#document, requestBody)
    const types = isObject(content) ? Object.keys(content) : []
    const json = types.find((type) => /^application\/(.+\+)?json\b/i.test(type) || type === '*/*')
    const text = types.find((type) => type.startsWith('text/'))
    if (json === undefined && text === undefined) {
      if (required !== true) return null
      throw new DocumentUnusable(`wants a body for ${this.#source.method.toUpperCase()} ${this.#source.path} that is neither JSON nor text`)
    }
    this.#properties['body'] =
      json === undefined ? { type: 'string' } : this.#schemas.take((content as Record<string, Fields>)[json]?.['schema'] ?? {})
    if (required === true) this.#required.push('body')
    return json === undefined ? 'text' : 'json'
  }
}

function dereferenced(document: Fields, value: unknown): Fields {
  let at = value
  for (let hops = 0; isObject(at) && typeof at['$ref'] === 'string'; hops++) {
    if (hops > 10) throw new DocumentUnusable('has references that lead in a circle')
    at = resolve(document, at['$ref'])
  }
  return isObject(at) ? at : {}
}

function schemaOfContent(content: unknown): unknown {
  return isObject(content) ? (Object.values(content)[0] as Fields | undefined)?.['schema'] : undefined
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** The address that the document says its operations are at; undefined where it says none. @param from where the document came from */
export function serverOf(document: unknown, from: string | undefined): string | undefined {
  const [first] = isObject(document) && Array.isArray(document['servers']) ? (document['servers'] as unknown[]) : []
  if (!isObject(first) || typeof first['url'] !== 'string') return from === undefined ? undefined : new URL('/', from).href
  const variables = isObject(first['variables']) ? (first['variables'] as Record<string, Fields>) : {}
  const url = first['url'].replace(/\{([^}]*)\}/g, (_, name: string) => textOf(variables[name]?.['default']))
  return URL.parse(url, from)?.href
}
