/** A JSON Schema, as far as the API's description uses it. */
export interface Schema {
  type?: string
  enum?: unknown[]
  const?: unknown
  anyOf?: Schema[]
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: boolean | Schema
  items?: Schema
  minItems?: number
  maxItems?: number
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  pattern?: string
  format?: string
  examples?: unknown[]
  default?: unknown
}

export interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  required?: boolean
  schema: Schema
}

/** One thing that the API can be asked. */
export interface Operation {
  method: string
  /** With `{name}` for each path parameter. */
  path: string
  parameters: Parameter[]
  body: Schema | undefined
}

interface Described {
  parameters?: (Parameter | Reference)[]
  requestBody?: { content: Record<string, { schema: Schema }> }
}

interface Reference {
  $ref: string
}

interface Document {
  paths: Record<string, Record<string, Described>>
}

/** @param document what `/openapi.json` gives */
export function operationsOf(document: unknown): Operation[] {
  const { paths } = resolved(document as object, document) as Document
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [], requestBody }]) => ({
      method: method.toUpperCase(),
      path,
      parameters: parameters as Parameter[],
      body: requestBody?.content['application/json']?.schema,
    })),
  )
}

/** With what each reference stands for in its place. There are none that lead back to themselves. */
function resolved(value: unknown, document: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => resolved(item, document))
  if (typeof value !== 'object' || value === null) return value
  if ('$ref' in value) return resolved(find(document, String(value.$ref)), document)
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, resolved(member, document)]))
}

function find(document: unknown, reference: string): unknown {
  return reference
    .slice('#/'.length)
    .split('/')
    .reduce((at, name) => (at as Record<string, unknown>)[name], document)
}
