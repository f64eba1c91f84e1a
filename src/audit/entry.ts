import { toTimestamp } from '../clock.ts'
import { canonicalForm, sha256 } from '../graph/digest.ts'
import type { AuditRow } from '../store/tables.ts'

/** An entry as it is shown and exported. */
export interface AuditEntry {
  seq: number
  at: string
  actor: { key_id: string; name: string | null; address: string | null }
  action: string
  object: { type: string; id: string; name: string | null; environment: string | null }
  before: Record<string, unknown> | null
  after: Record<string, unknown> | null
  previous_hash: string
  hash: string
}

/** What the first entry has for the hash of the one before. */
export const NO_HASH = '0'.repeat(64)

/** A row that somebody has spoiled is shown as far as it can be; its hash does not fit. */
export function toEntry(row: AuditRow): AuditEntry {
  return {
    seq: row.seq,
    at: timeOf(row.at),
    actor: { key_id: row.actor_key_id, name: row.actor_name, address: row.actor_address },
    action: row.action,
    object: { type: row.object_type, id: row.object_id, name: row.object_name, environment: row.environment },
    before: row.before === null ? null : stateOf(row.before),
    after: row.after === null ? null : stateOf(row.after),
    previous_hash: row.previous_hash,
    hash: row.hash,
  }
}

function timeOf(at: number): string {
  try {
    return toTimestamp(at)
  } catch {
    return String(at)
  }
}

function stateOf(json: string): Record<string, unknown> {
  try {
    return JSON.parse(json)
  } catch {
    return { unreadable: json }
  }
}

/**
 * SHA-256 of the entry as it is exported, but for its hash, in the form of RFC 8785: whoever has the exported lines can
 * check the chain with a few lines of any language.
 */
export function hashOf(entry: AuditEntry): string {
  // What is undefined is left out.
  return sha256(canonicalForm({ ...entry, hash: undefined }))
}
