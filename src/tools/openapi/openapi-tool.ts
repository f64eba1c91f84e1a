import { faultOfUrl } from '../../outgoing/target.ts'
import type { FilledRequest } from '../../nodes/http/message.ts'
import { named, withSecrets } from '../../nodes/with-secrets.ts'
import type { Mapping } from '../../graph/step-kind.ts'
import { encodedText } from '../encode.ts'
import { exchange, limitsOf, requestLimits, SAFE_METHODS } from '../http-request.ts'
import { schemaOf } from '../parameters.ts'
import { common, commonProperties, namePattern, type CommonConfig, type Tool, type ToolAttempt, type ToolType } from '../tool.ts'
import type { Operation } from './operations.ts'

export interface OpenApiConfig extends CommonConfig {
  type: 'openapi'
  name: string
  /** One of both. */
  document?: unknown
  url?: string
  operations?: string[]
  server?: string
  headers?: Record<string, string>
  timeout?: number
  max_bytes?: number
  /** What a deploy made of it. */
  recorded?: { server: string; operations: Operation[] }
}

export const openApiTool: ToolType = {
  type: 'openapi',
  title: 'OpenAPI',
  description: 'The operations of an HTTP API, each as a tool of its own, from its OpenAPI 3 document in JSON.',
  schema: {
    type: 'object',
    required: ['type', 'name'],
    properties: {
      type: { const: 'openapi' },
      name: { type: 'string', pattern: namePattern },
      document: { type: 'object', 'x-plain': true, description: 'The document itself.' },
      url: {
        type: 'string',
        'x-plain': true,
        description: 'Where the document is, instead. It is read at each deploy, and recorded in the release.',
      },
      operations: {
        type: 'array',
        minItems: 1,
        maxItems: 100,
        items: { type: 'string' },
        'x-plain': true,
        description: 'The only ones that are tools: their operationIds, or names such as GET /orders.',
      },
      server: {
        type: 'string',
        'x-plain': true,
        description: 'The address that the paths follow, instead of the one that the document names.',
      },
      headers: {
        type: 'object',
        additionalProperties: { type: 'string' },
        'x-secrets': true,
        description: 'Sent with every request. Liquid texts.',
      },
      recorded: { type: 'object', 'x-plain': true, description: 'What a deploy made of it; what is sent here is not looked at.' },
      ...requestLimits,
      ...commonProperties,
    },
    additionalProperties: false,
  },
  compile(config: OpenApiConfig, compiler) {
    if (config.server !== undefined && faultOfUrl(config.server) !== undefined)
      compiler.problem('/server', 'invalid_setting', `'server' must be an address such as https://api.example.com/v1.`)
    const headers = compiler.mapping(config.headers ?? {}, '/headers')
    const { server = '', operations = [] } = config.recorded ?? {}
    return operations.map((operation, index): Tool => ({
      ...common(config),
      name: operation.name,
      description: operation.description,
      parameters: operation.parameters,
      schema: schemaOf(operation.parameters, compiler, `/recorded/operations/${index}/parameters`),
      writes: () => !SAFE_METHODS.has(operation.method),
      shows: (attempt) => ({ method: operation.method, ...requestOf(operation, server, attempt, named(headers, attempt.scope)) }),
      run: (attempt) => ask(operation, server, headers, attempt, limitsOf(config)),
    }))
  },
}

async function ask(
  operation: Operation,
  server: string,
  headers: Mapping,
  attempt: ToolAttempt,
  limits: ReturnType<typeof limitsOf>,
): Promise<unknown> {
  const sent = requestOf(operation, server, attempt, await withSecrets(headers, attempt))
  const shown = requestOf(operation, server, attempt, named(headers, attempt.scope))
  return exchange(attempt, { method: operation.method, sent, shown, limits })
}

function requestOf(
  operation: Operation,
  server: string,
  { arguments: given }: Pick<ToolAttempt, 'arguments'>,
  own: unknown,
): FilledRequest {
  const at = (place: string) => operation.places.filter((one) => one.in === place && given[one.argument] !== undefined)
  const inPath = new Map(at('path').map(({ name, argument }) => [name, encodedText(textOf(given[argument]))]))
  const path = operation.path.replace(/\{([^}]*)\}/g, (_, name: string) => inPath.get(name) ?? '')
  const fields = (place: string) => Object.fromEntries(at(place).map(({ name, argument }) => [name, given[argument]]))
  const isJson = operation.body === 'json' && given['body'] !== undefined
  return {
    url: server.replace(/\/+$/, '') + path,
    // What the agent says comes last: the model does not take its place.
    headers: { ...fields('header'), ...(isJson && { 'content-type': 'application/json' }), ...lowerCased(own as Record<string, unknown>) },
    query: fields('query'),
    ...(operation.body !== null && given['body'] !== undefined && { body: isJson ? JSON.stringify(given['body']) : given['body'] }),
  }
}

function lowerCased(headers: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
