import { toTimestamp, toTimestampOrNull } from '../clock.ts'
import type { RateLimit } from '../limits/rate.ts'
import type { Scope } from './caller.ts'
import { statusOf, type KeyStatus } from './key.ts'
import type { KeyRecord } from './repository.ts'

/** A key as the API shows it: everything but its secret. */
export interface KeyView {
  key_id: string
  name: string
  status: KeyStatus
  scopes: Scope[]
  environments: string[] | null
  deployment_pattern: string | null
  rate_limit: RateLimit | null
  concurrency: number | null
  created_at: string
  created_by: string | null
  expires_at: string | null
  last_used_at: string | null
  revoked_at: string | null
}

export function toKeyView(record: KeyRecord, now: number): KeyView {
  return {
    key_id: record.key_id,
    name: record.name,
    status: statusOf(record, now),
    scopes: JSON.parse(record.scopes),
    environments: record.environments === null ? null : JSON.parse(record.environments),
    deployment_pattern: record.deployment_pattern,
    rate_limit: record.rate_limit === null ? null : JSON.parse(record.rate_limit),
    concurrency: record.concurrency,
    created_at: toTimestamp(record.created_at),
    created_by: record.created_by,
    expires_at: toTimestampOrNull(record.expires_at),
    last_used_at: toTimestampOrNull(record.last_used_at),
    revoked_at: toTimestampOrNull(record.revoked_at),
  }
}
