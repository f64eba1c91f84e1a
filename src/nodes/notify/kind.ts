import { StepInputInvalid } from '../../errors.ts'
import type { Scope } from '../../graph/scope.ts'
import type { Attempt, StepKind } from '../../graph/step-kind.ts'
import { answerFailure } from '../http/answer-failure.ts'
import { passOn } from '../pass-on.ts'
import { named, withSecrets } from '../with-secrets.ts'
import { sign } from './sign.ts'

interface Config {
  url?: string
  type?: string
  data?: unknown
  secret?: string
  timeout?: number
  max_retries?: number
}

interface Message {
  url: unknown
  data: unknown
  secret?: unknown
}

/** A receiver has nothing to say; what it says all the same is not read beyond this. */
const MOST_BYTES = 100_000

export const notify: StepKind = {
  kind: 'notify',
  title: 'Notify',
  description:
    'Sends a webhook as Standard Webhooks has it: a JSON body {type, timestamp, data}, with webhook-id, webhook-timestamp and, where there is a secret, webhook-signature. The id is the same for every attempt.',
  schema: {
    type: 'object',
    required: ['url'],
    properties: {
      url: { type: 'string', minLength: 1, 'x-secrets': true, description: 'Liquid text.' },
      type: { type: 'string', default: 'workflow.notification', description: 'What has happened, such as order.refunded.' },
      data: { description: 'Any JSON value in which strings may be Liquid; what the step before gave where there is none.' },
      secret: { type: 'string', 'x-secrets': true, description: 'What it is signed with: {{ secrets.NAME }}.' },
      timeout: { type: 'number', minimum: 0.001, maximum: 600, default: 15, description: 'Of one attempt, in seconds.' },
      max_retries: { type: 'integer', minimum: 0, maximum: 20 },
    },
  },
  compile(config: Config, compiler, { id, before }) {
    const { url = '', type = 'workflow.notification', secret, timeout = 15, max_retries } = config
    const message = compiler.mapping({ url, ...('data' in config && { data: config.data }), ...(secret !== undefined && { secret }) }, '')
    const dataOf = (filled: Partial<Message>, scope: Scope): unknown => ('data' in filled ? filled.data : passOn(scope, before))
    const run = async (attempt: Attempt): Promise<unknown> => {
      const filled = (await withSecrets(message, attempt)) as Message
      if (typeof filled.url !== 'string' || !URL.canParse(filled.url)) {
        throw new StepInputInvalid({ step_id: id, what: `'url' is no complete address such as https://example.org/hooks` })
      }
      const timestamp = Math.floor(Date.now() / 1_000)
      const body = JSON.stringify({ type, timestamp: attempt.scope.now, data: dataOf(filled, attempt.scope) ?? null })
      // A step's id may have characters that a header may not.
      const signed = { id: encodeURIComponent(attempt.idempotencyKey), timestamp, body }
      const headers = {
        'content-type': 'application/json',
        'webhook-id': signed.id,
        'webhook-timestamp': String(timestamp),
        ...(typeof filled.secret === 'string' && { 'webhook-signature': sign(signed, filled.secret) }),
      }
      const limits = { totalMs: timeout * 1_000, firstByteMs: timeout * 1_000, bytes: MOST_BYTES }
      const answer = await attempt.outside.outgoing.request({
        url: filled.url,
        method: 'POST',
        headers,
        body,
        signal: attempt.signal,
        limits,
      })
      if (answer.status >= 400) {
        const shown = named(message, attempt.scope) as Message
        const scrubber = attempt.outside.secrets.of(attempt.environment)
        throw await answerFailure(answer, { method: 'POST', url: String(shown.url), id }, scrubber)
      }
      await answer.discard()
      return { status: answer.status, webhook_id: signed.id }
    }
    const input = (scope: Scope): unknown => {
      const shown = named(message, scope) as Message
      return { url: shown.url, type, data: dataOf(shown, scope) }
    }
    return { type: 'work', input, ...(max_retries !== undefined && { maxRetries: max_retries }), run }
  },
}
