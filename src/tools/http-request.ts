import type { StepCompiler } from '../graph/step-kind.ts'
import { answerFailure } from '../nodes/http/answer-failure.ts'
import { buildMessage, readBody, type FilledRequest } from '../nodes/http/message.ts'
import { named, withSecrets } from '../nodes/with-secrets.ts'
import { refused } from './refused.ts'
import { schemaOf } from './parameters.ts'
import { common, type CommonConfig, type Tool } from './tool.ts'

export interface HttpRequestConfig extends CommonConfig {
  description?: string
  /** `api.example.com`, `*.example.com`, `localhost:8080` */
  allowed_hosts?: string[]
  methods?: string[]
  headers?: Record<string, string>
  timeout?: number
  max_bytes?: number
}

/** RFC 9110 §9.2.1: these ask for nothing to be changed. */
export const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** What goes to a model is little: a page that is larger is of no use to it. */
const MOST_BYTES = 1_000_000
const TIMEOUT_SECONDS = 30

export const requestLimits = {
  timeout: { type: 'number', minimum: 0.001, maximum: 3_600, default: TIMEOUT_SECONDS, description: 'Of one attempt, in seconds.' },
  max_bytes: { type: 'integer', minimum: 1, maximum: 50_000_000, default: MOST_BYTES, description: 'Of the answer, unpacked.' },
} as const

export const httpRequestProperties = {
  allowed_hosts: {
    type: 'array',
    minItems: 1,
    maxItems: 100,
    items: { type: 'string', pattern: '^(\\*\\.)?[a-zA-Z0-9.\\-\\[\\]:]+$', maxLength: 300 },
    description: 'Of `http_request`: the only hosts that the model may reach, such as api.example.com, *.example.com or localhost:8080.',
  },
  methods: {
    type: 'array',
    minItems: 1,
    items: { enum: METHODS },
    default: ['GET'],
    description: 'Of `http_request`: what the model may ask for.',
  },
  headers: {
    type: 'object',
    additionalProperties: { type: 'string' },
    'x-secrets': true,
    description: 'Of `http_request`: sent with every request, which the model does not see. Liquid texts.',
  },
  ...requestLimits,
} as const

/** A request that the model makes up, to the hosts that the agent names. */
export function httpRequest(config: HttpRequestConfig, compiler: StepCompiler): Tool {
  const { allowed_hosts = [], methods = ['GET'], headers = {} } = config
  if (allowed_hosts.length === 0)
    compiler.problem(
      '/allowed_hosts',
      'required',
      `'http_request' needs 'allowed_hosts', the list of the only hosts that the model may reach.`,
    )
  const own = compiler.mapping(headers, '/headers')
  const parameters = parametersFor(methods)
  return {
    ...common(config),
    name: 'http_request',
    description: config.description ?? `Sends an HTTP request to ${allowed_hosts.join(' or ')}, and gives status and body of the answer.`,
    parameters,
    schema: schemaOf(parameters, compiler),
    writes: ({ method = 'GET' }) => !SAFE_METHODS.has(String(method)),
    async run(attempt) {
      const { method = 'GET', url, body } = attempt.arguments as { method?: string; url: string; body?: unknown }
      const address = allowedAddress(url, allowed_hosts)
      const sent = {
        url: address.href,
        headers: (await withSecrets(own, attempt)) as Record<string, unknown>,
        query: {},
        ...(body !== undefined && { body }),
      }
      const shown = { ...sent, headers: named(own, attempt.scope) as Record<string, unknown> }
      // Somebody else chose where a redirect leads, so it is an answer like any other.
      return exchange(attempt, { method, sent, shown, limits: { ...limitsOf(config), redirects: 0 }, withStatus: true })
    },
  }
}

function parametersFor(methods: readonly string[]): Record<string, unknown> {
  const hasBody = methods.some((method) => !SAFE_METHODS.has(method))
  return {
    type: 'object',
    properties: {
      url: { type: 'string', minLength: 1, maxLength: 8_000 },
      method: { enum: methods },
      ...(hasBody && { body: { description: 'A text is sent as it is, anything else as JSON.' } }),
    },
    // Without a method it is GET, where that is allowed.
    required: methods.includes('GET') ? ['url'] : ['url', 'method'],
    additionalProperties: false,
  }
}

function allowedAddress(url: string, allowed: readonly string[]): URL {
  const address = URL.parse(url)
  if (!address || !/^https?:$/.test(address.protocol) || address.username !== '' || address.password !== '')
    throw refused(`'${url.slice(0, 200)}' is no complete address such as https://example.org/orders.`)
  if (!allowed.some((entry) => matches(address, entry.toLowerCase())))
    throw refused(`'${address.host}' is not among the hosts that may be reached: ${allowed.join(', ')}.`)
  return address
}

function matches({ host, hostname, port }: URL, entry: string): boolean {
  // Without a port only the usual one of the protocol is meant, which a URL leaves out.
  if (entry.startsWith('*.')) return port === '' ? hostname.endsWith(entry.slice(1)) : host.endsWith(entry.slice(1))
  return host === entry
}

export function limitsOf({ timeout = TIMEOUT_SECONDS, max_bytes = MOST_BYTES }: Pick<HttpRequestConfig, 'timeout' | 'max_bytes'>) {
  return { totalMs: timeout * 1_000, firstByteMs: timeout * 1_000, bytes: max_bytes }
}

export interface Exchange {
  method: string
  sent: FilledRequest
  /** The same without secrets. */
  shown: FilledRequest
  limits: { totalMs: number; firstByteMs: number; bytes: number; redirects?: number }
  /** Whether the status is of interest besides the body. */
  withStatus?: boolean
}

/** Sends a request and reads its answer. @throws AttemptFailed */
export async function exchange(
  attempt: Parameters<Tool['run']>[0],
  { method, sent, shown, limits, withStatus = false }: Exchange,
): Promise<unknown> {
  const { url, headers, body } = buildMessage(sent, attempt.stepId)
  if (!SAFE_METHODS.has(method)) headers['idempotency-key'] ??= attempt.idempotencyKey
  const answer = await attempt.outside.outgoing.request({ url, method, headers, body, signal: attempt.signal, limits })
  if (answer.status >= 400)
    throw await answerFailure(
      answer,
      { method, url: String(shown.url), id: attempt.stepId },
      attempt.outside.secrets.of(attempt.environment),
    )
  const parsed = readBody(await answer.text(), answer.headers['content-type'] ?? '', 'auto', attempt.stepId)
  if (!withStatus) return parsed
  const { location } = answer.headers
  return { status: answer.status, ...(location !== undefined && { location }), body: parsed }
}
