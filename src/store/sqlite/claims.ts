import { IdempotencyInProgress, IdempotencyKeyReused } from '../../errors.ts'
import { CLAIM_KEPT_MS, type Claim } from '../claim.ts'
import type { IdempotencyKeyRow } from '../tables.ts'
import type { SqliteConnection } from './connection.ts'

/** For use inside the transaction of what is claimed. */

/**
 * What the claim resulted in before; undefined where it is new, or older than claims are kept.
 * @throws IdempotencyKeyReused, IdempotencyInProgress where there is an execution, or an answer, in place of a result
 */
export function recall(connection: SqliteConnection, claim: Claim): { result: unknown } | undefined {
  const { caller, method, path, key, fingerprint, now } = claim
  const row = connection
    .prepare(
      `select fingerprint, execution_id, result from idempotency_keys
       where caller = ? and method = ? and path = ? and key = ? and created_at > ?`,
    )
    .get(caller, method, path, key, now - CLAIM_KEPT_MS) as Pick<IdempotencyKeyRow, 'fingerprint' | 'execution_id' | 'result'> | undefined
  if (!row) return undefined
  if (row.fingerprint !== fingerprint) throw new IdempotencyKeyReused({ key })
  if (row.execution_id !== null) throw new IdempotencyInProgress({ execution_id: row.execution_id })
  if (row.result === null) throw new IdempotencyInProgress({})
  return { result: JSON.parse(row.result) }
}

/** Takes the place of a claim of the same key that is kept no longer. */
export function record(connection: SqliteConnection, claim: Claim, recorded: { result: unknown; execution_id?: string }): void {
  const { caller, method, path, key, fingerprint, now } = claim
  connection
    .prepare(
      `insert or replace into idempotency_keys (caller, method, path, key, fingerprint, created_at, execution_id, result)
       values (?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(caller, method, path, key, fingerprint, now, recorded.execution_id ?? null, JSON.stringify(recorded.result ?? null))
}
