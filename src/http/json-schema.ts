/** The part of JSON Schema that the edge reads to convert, explain and document. */
export interface JsonSchema {
  type?: string | string[]
  properties?: Record<string, JsonSchema>
  required?: string[]
  additionalProperties?: boolean | JsonSchema
  items?: JsonSchema
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  allOf?: JsonSchema[]
  const?: unknown
  enum?: unknown[]
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
  exclusiveMaximum?: number
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  pattern?: string
  format?: string
  default?: unknown
  examples?: unknown[]
  description?: string
  title?: string
  $ref?: string
  /** Our own keyword: the sentence that explains a violation, in place of the one made from the other keywords. */
  'x-message'?: string
}

/** The schema at a JSON pointer such as `#/properties/name`, or undefined where it cannot be followed. */
export function schemaAt(root: JsonSchema, path: string): JsonSchema | undefined {
  let at: unknown = root
  for (const segment of segments(path)) {
    if (at === null || typeof at !== 'object' || !Object.hasOwn(at, segment)) return undefined
    at = (at as Record<string, unknown>)[segment]
  }
  return at as JsonSchema | undefined
}

/** The value at a JSON pointer (RFC 6901). */
export function valueAt(root: unknown, pointer: string): unknown {
  return schemaAt(root as JsonSchema, pointer)
}

/** The unescaped segments of a JSON pointer, with or without a leading `#`. */
export function segments(pointer: string): string[] {
  return pointer
    .replace(/^#/, '')
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
}

export function escapeSegment(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}

export function allowsNull(schema: JsonSchema): boolean {
  if (schema.type === 'null' || (Array.isArray(schema.type) && schema.type.includes('null'))) return true
  if (schema.const === null || schema.enum?.includes(null)) return true
  return [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].some(allowsNull) || acceptsAnything(schema)
}

/** No keyword that restricts: `Type.Unknown()`, `Type.Any()`. */
function acceptsAnything(schema: JsonSchema): boolean {
  return !['type', 'const', 'enum', 'anyOf', 'oneOf', 'allOf', '$ref', 'not'].some((keyword) => keyword in schema)
}
