import { toTimestamp, toTimestampOrNull } from '../clock.ts'
import { Nullable, Time } from '../http/fields.ts'
import { Type } from '../http/type.ts'
import type { FailureWebhookRow } from '../store/tables.ts'

/** A webhook about a failed execution, as the API shows it. */
export const Webhook = Type.Object(
  {
    webhook_id: Type.String({ description: 'The same in every attempt.' }),
    status: Type.Enum(['pending', 'delivered', 'given_up']),
    attempts: Type.Integer(),
    created_at: Time,
    next_attempt_at: Nullable(Time),
    ended_at: Nullable(Time),
    last_error: Nullable(Type.String()),
  },
  { title: 'Webhook' },
)

export interface WebhookView {
  webhook_id: string
  status: FailureWebhookRow['status']
  attempts: number
  created_at: string
  next_attempt_at: string | null
  ended_at: string | null
  last_error: string | null
}

export function toWebhookView(row: FailureWebhookRow): WebhookView {
  const { webhook_id, status, attempts, created_at, next_at, ended_at, last_error } = row
  return {
    webhook_id,
    status,
    attempts,
    created_at: toTimestamp(created_at),
    next_attempt_at: toTimestampOrNull(next_at === null ? null : Math.round(next_at)),
    ended_at: toTimestampOrNull(ended_at),
    last_error,
  }
}

export const WebhookTallySchema = Type.Object(
  {
    pending: Type.Integer(),
    delivered: Type.Integer({ description: 'Of those that are still kept: the last thousand that have ended.' }),
    given_up: Type.Integer({ description: 'Of those that are still kept.' }),
    dropped: Type.Integer({ description: 'Not even tried, because a thousand waited.' }),
  },
  { description: 'Where the release has `on_failure`: the webhooks about its failed executions.' },
)
