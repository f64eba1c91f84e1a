import type { Attempt, StepKind } from '../../graph/step-kind.ts'
import type { Scope } from '../../graph/scope.ts'
import { named, withSecrets } from '../with-secrets.ts'
import { answerFailure } from './answer-failure.ts'
import { buildMessage, readBody, type FilledRequest } from './message.ts'

interface Config {
  url: string
  method?: string
  headers?: Record<string, string>
  query?: Record<string, unknown>
  body?: unknown
  parse?: 'auto' | 'json' | 'text'
  output?: 'body' | 'response'
  timeout?: number
  max_bytes?: number
  max_retries?: number
  expect?: number[]
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
/** RFC 9110 §9.2.2: repeating these is as good as sending them once. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])

export const http: StepKind = {
  kind: 'http',
  title: 'HTTP request',
  description: 'Asks another server. Its output is the body of the answer, parsed where it is JSON.',
  schema: {
    type: 'object',
    required: ['url'],
    properties: {
      url: {
        type: 'string',
        minLength: 1,
        'x-secrets': true,
        description: 'Liquid text. Use the filter url_encode for values from outside.',
      },
      method: { enum: METHODS, default: 'GET' },
      headers: { type: 'object', additionalProperties: { type: 'string' }, 'x-secrets': true, description: 'Liquid texts.' },
      query: { type: 'object', 'x-secrets': true, description: 'Added to the address, encoded. Lists are repeated, null is left out.' },
      body: { 'x-secrets': true, description: 'A text is sent as it is, anything else as JSON. Strings in it may be Liquid.' },
      parse: { enum: ['auto', 'json', 'text'], default: 'auto' },
      output: { enum: ['body', 'response'], default: 'body', description: '`response` gives {status, headers, body}.' },
      timeout: { type: 'number', minimum: 0.001, maximum: 3_600, default: 30, description: 'Of one attempt, in seconds.' },
      max_bytes: { type: 'integer', minimum: 1, maximum: 50_000_000, default: 5_000_000, description: 'Of the answer, unpacked.' },
      max_retries: { type: 'integer', minimum: 0, maximum: 20 },
      expect: {
        type: 'array',
        items: { type: 'integer', minimum: 100, maximum: 599 },
        description: 'Statuses that are no failure besides 200 to 399, such as 404.',
      },
    },
  },
  compile(config: Config, compiler, { id }) {
    const { method = 'GET', headers = {}, query = {}, timeout = 30, max_bytes = 5_000_000, max_retries } = config
    const request = compiler.mapping({ url: config.url, headers, query, ...('body' in config && { body: config.body }) }, '')
    const shown = (scope: Scope): FilledRequest => named(request, scope) as FilledRequest
    const run = async (attempt: Attempt): Promise<unknown> => {
      const filled = (await withSecrets(request, attempt)) as FilledRequest
      const { url, headers: sent, body } = buildMessage(filled, id)
      // A step's id may have characters that a header may not.
      if (!IDEMPOTENT.has(method)) sent['idempotency-key'] ??= encodeURIComponent(attempt.idempotencyKey)
      const limits = { totalMs: timeout * 1_000, firstByteMs: timeout * 1_000, bytes: max_bytes }
      const answer = await attempt.outside.outgoing.request({ url, method, headers: sent, body, signal: attempt.signal, limits })
      if (answer.status >= 400 && !config.expect?.includes(answer.status)) {
        const scrubber = attempt.outside.secrets.of(attempt.environment)
        throw await answerFailure(answer, { method, url: String(shown(attempt.scope).url), id }, scrubber)
      }
      const parsed = readBody(await answer.text(), answer.headers['content-type'] ?? '', config.parse ?? 'auto', id)
      return config.output === 'response' ? { status: answer.status, headers: answer.headers, body: parsed } : parsed
    }
    return {
      type: 'work',
      input: (scope) => ({ method, ...shown(scope) }),
      ...(max_retries !== undefined && { maxRetries: max_retries }),
      run,
    }
  },
}
