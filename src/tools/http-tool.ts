import { named, withSecrets } from '../nodes/with-secrets.ts'
import type { FilledRequest } from '../nodes/http/message.ts'
import type { Mapping, StepCompiler } from '../graph/step-kind.ts'
import { encoded } from './encode.ts'
import { exchange, limitsOf, METHODS, requestLimits, SAFE_METHODS } from './http-request.ts'
import { schemaOf } from './parameters.ts'
import { common, commonProperties, namePattern, type CommonConfig, type Tool, type ToolAttempt, type ToolType } from './tool.ts'

interface Config extends CommonConfig {
  name: string
  description?: string
  parameters?: Record<string, unknown>
  url: string
  method?: string
  headers?: Record<string, string>
  query?: Record<string, unknown>
  body?: unknown
  timeout?: number
  max_bytes?: number
}

export const httpTool: ToolType = {
  type: 'http',
  title: 'HTTP request',
  description: 'One request of yours, with a name: the model fills in its arguments and decides nothing else.',
  schema: {
    type: 'object',
    required: ['type', 'name', 'url'],
    properties: {
      type: { const: 'http' },
      name: { type: 'string', pattern: namePattern },
      description: { type: 'string', maxLength: 10_000, description: 'Tells the model what it is for.' },
      parameters: { type: 'object', description: 'JSON Schema of the arguments, an object.', 'x-plain': true },
      url: {
        type: 'string',
        minLength: 1,
        'x-secrets': true,
        description: 'Liquid text. Arguments are encoded in it, and cannot say which server is asked.',
      },
      method: { enum: METHODS, default: 'GET' },
      headers: { type: 'object', additionalProperties: { type: 'string' }, 'x-secrets': true, description: 'Liquid texts.' },
      query: { type: 'object', 'x-secrets': true, description: 'Added to the address, encoded. Lists are repeated, null is left out.' },
      body: { 'x-secrets': true, description: 'A text is sent as it is, anything else as JSON. Strings in it may be Liquid.' },
      ...requestLimits,
      ...commonProperties,
    },
    additionalProperties: false,
  },
  compile(config: Config, compiler) {
    const { name, method = 'GET', headers = {}, query = {}, parameters = { type: 'object', properties: {} } } = config
    checkOrigin(config.url, compiler)
    const url = compiler.mapping(config.url, '/url')
    const rest = compiler.mapping({ headers, query, ...('body' in config && { body: config.body }) }, '')
    const limits = limitsOf(config)
    const shows = ({ scope, arguments: given }: Pick<ToolAttempt, 'scope' | 'arguments'>): FilledRequest => ({
      ...(named(rest, { ...scope, arguments: given }) as Omit<FilledRequest, 'url'>),
      url: named(url, { ...scope, arguments: encoded(given) }),
    })
    const tool: Tool = {
      ...common(config),
      name,
      description: config.description ?? `${method} ${config.url}`,
      parameters,
      schema: schemaOf(parameters, compiler),
      writes: () => !SAFE_METHODS.has(method),
      shows: (attempt) => ({ method, ...shows(attempt) }),
      async run(attempt) {
        const sent = {
          ...((await fill(rest, attempt, attempt.arguments)) as object),
          url: await fill(url, attempt, encoded(attempt.arguments)),
        }
        return exchange(attempt, { method, sent: sent as FilledRequest, shown: shows(attempt), limits })
      },
    }
    return [tool]
  },
}

function fill(mapping: Mapping, attempt: ToolAttempt, given: unknown): Promise<unknown> {
  return withSecrets(mapping, { ...attempt, scope: { ...attempt.scope, arguments: given } })
}

/** Which server is asked, with its secrets, is not for the model to say. */
function checkOrigin(url: string, compiler: StepCompiler): void {
  const origin = /^[^:/]*:\/\/[^/?#]*/.exec(url)?.[0] ?? url
  if (/\{[{%][\s\S]*\barguments\b/.test(origin))
    compiler.problem(
      '/url',
      'arguments_in_origin',
      `The arguments are the model's, so they may stand behind the host of the address only: https://api.example.com/orders/{{ arguments.id }}.`,
    )
}
