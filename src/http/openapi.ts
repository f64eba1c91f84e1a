import { operationOf, type DescribedRoute } from './described-routes.ts'
import { idempotencyKeyParameter } from './idempotency-key.ts'
import { schemaAt } from './json-schema.ts'
import type { JsonSchema } from './json-schema.ts'

/** The OpenAPI 3.1 description, made from the schemas that the routes are checked with. */

export interface OpenApiDocument {
  openapi: string
  info: { title: string; version: string; description?: string; license?: { name: string; identifier: string } }
  servers: { url: string }[]
  tags: { name: string; description?: string }[]
  paths: Record<string, Record<string, Operation>>
  components: {
    schemas: Record<string, JsonSchema>
    responses: Record<string, ResponseObject>
    parameters: Record<string, Parameter>
    securitySchemes: Record<string, { type: 'http'; scheme: 'bearer'; description: string }>
  }
}

export interface Operation {
  operationId?: string
  summary?: string
  description?: string
  tags?: string[]
  deprecated?: boolean
  /** None is needed where it is empty; otherwise the scope that a key must have, or no scope where any key will do. */
  security: { apiKey: string[] }[]
  parameters?: (Parameter | Reference)[]
  requestBody?: { required?: boolean; description?: string; content: Record<string, Media> }
  responses: Record<string, ResponseObject>
}

export interface Reference {
  $ref: string
  name?: undefined
  in?: undefined
}

export interface Parameter {
  name: string
  in: 'path' | 'query' | 'header' | 'cookie'
  required?: boolean
  description?: string
  schema?: JsonSchema
  example?: unknown
}

export interface ResponseObject {
  description?: string
  $ref?: string
  content?: Record<string, Media>
}

export interface Media {
  schema?: JsonSchema
  example?: unknown
  examples?: Record<string, { value: unknown }>
}

/** In the order in which the reference shows them. A tag that is not listed follows at the end. */
const TAGS = [
  { name: 'workflows', description: 'Editable definitions: agents, steps and the connections between them.' },
  { name: 'deployments', description: 'A name in an environment that routes executions to a release of a workflow.' },
  { name: 'executions', description: 'Runs of a release: started, watched and cancelled here.' },
  { name: 'agents', description: 'Agents that workflows refer to by name.' },
  { name: 'keys', description: 'Who may do what: API keys with scopes, for some environments and names or for all.' },
  { name: 'operations', description: 'Health and descriptions of the server itself.' },
]

const DESCRIPTION = `Define AI-agent workflows, deploy them by name, run them durably, and stop, reactivate, delete and watch those deployments.

Bodies are JSON in UTF-8. An unknown field or query parameter is refused, so that a typo is not swallowed. Every answer that is not a success is a problem detail (RFC 9457) with a stable \`code\`; [the list of codes](/docs/errors) says what to do about each.`

const API_KEY =
  'An API key, as `Authorization: Bearer as_…`. Each operation names the scope that the key must have; `admin` includes all of them. What belongs to other environments, or to other names of deployments, than the key is for answers as if it did not exist. A server on loopback without any key asks nobody for one.'

/** Members that every problem has, and those that several have. */
const PROBLEM: JsonSchema = {
  type: 'object',
  title: 'Problem',
  description: 'Problem details (RFC 9457). Some codes add members of their own, such as `execution_id`.',
  required: ['type', 'title', 'status', 'detail', 'code'],
  properties: {
    type: { type: 'string', description: 'Where the code is explained.' },
    title: { type: 'string', description: 'The kind of problem, the same for each of its code.' },
    status: { type: 'integer', description: 'The HTTP status.' },
    detail: { type: 'string', description: 'A sentence to act on.' },
    code: { type: 'string', description: 'What programs branch on.' },
    errors: {
      type: 'array',
      description: 'For bad input: each problem with its place.',
      items: {
        type: 'object',
        required: ['pointer', 'code', 'message'],
        properties: {
          pointer: { type: 'string', description: 'A JSON pointer (RFC 6901) into the body, or `?name` for a query parameter.' },
          code: { type: 'string' },
          message: { type: 'string' },
        },
      },
    },
  },
  examples: [
    {
      type: '/docs/errors#deployment_not_found',
      title: 'There is no such deployment',
      status: 404,
      detail: "No deployment is named 'support' in 'development', 'production'. GET /api/workflows/deployments lists them.",
      code: 'deployment_not_found',
    },
  ],
}

/** @param routes all that there are by now */
export function openApiDocument(routes: readonly DescribedRoute[], version: string): OpenApiDocument {
  const responses = {
    Problem: { description: 'Anything that is not a success.', content: { 'application/problem+json': { schema: PROBLEM } } },
  }
  return hoistTitled({
    openapi: '3.1.0',
    info: { title: 'Agent Studio', version, description: DESCRIPTION, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: '/' }],
    tags: TAGS,
    paths: pathsOf(routes),
    components: {
      schemas: {},
      responses,
      parameters: { IdempotencyKey: idempotencyKeyParameter },
      securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', description: API_KEY } },
    },
  })
}

function pathsOf(routes: readonly DescribedRoute[]): OpenApiDocument['paths'] {
  const paths: OpenApiDocument['paths'] = {}
  for (const route of routes) (paths[route.path] ??= {})[route.method] = complete(route.method, operationOf(route))
  return paths
}

/** What holds for all of them, and so is in no route's schema. */
function complete(method: string, operation: Operation): Operation {
  const { parameters = [], responses } = operation
  return {
    ...operation,
    ...(method === 'post' && { parameters: [...parameters, { $ref: '#/components/parameters/IdempotencyKey' }] }),
    responses: { ...responses, default: { $ref: '#/components/responses/Problem' } },
  }
}

export function schemaRef(document: OpenApiDocument, schema: JsonSchema): JsonSchema {
  return schema.$ref ? (schemaAt(document as JsonSchema, schema.$ref) ?? {}) : schema
}

/**
 * Moves each schema with a `title` to the components, under that title, so that it is described once. Two different
 * schemas of one title stay where they are, but for the first.
 */
function hoistTitled(document: OpenApiDocument): OpenApiDocument {
  const schemas: Record<string, JsonSchema> = {}
  const bodies = new Map<string, string>()
  const visit = (value: unknown): unknown => {
    if (value === null || typeof value !== 'object') return value
    if (Array.isArray(value)) return value.map(visit)
    const copy = Object.fromEntries(Object.entries(value).map(([key, member]) => [key, isData(key) ? member : visit(member)]))
    const { title, type } = copy
    if (typeof title !== 'string' || typeof type !== 'string') return copy
    const name = title.replaceAll(/[^A-Za-z0-9._-]+/g, '')
    const body = JSON.stringify(copy)
    if ((bodies.get(name) ?? body) !== body) return copy
    bodies.set(name, body)
    schemas[name] = copy
    return { $ref: `#/components/schemas/${name}` }
  }
  const paths = visit(document.paths) as OpenApiDocument['paths']
  const responses = visit(document.components.responses) as Record<string, ResponseObject>
  return { ...document, paths, components: { ...document.components, responses, schemas: { ...document.components.schemas, ...schemas } } }
}

/** Under these keys is what people send and get, and no schema. */
function isData(key: string): boolean {
  return ['example', 'examples', 'default', 'const', 'enum'].includes(key)
}
