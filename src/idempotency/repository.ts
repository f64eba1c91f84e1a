import { IdempotencyKeyReused } from '../errors.ts'
import { CLAIM_KEPT_MS, type Claim } from '../store/claim.ts'
import { defineCommand, type Db } from '../store/store.ts'
import type { IdempotencyKeyRow } from '../store/tables.ts'

/** An execution that a request started, and its status at the time. */
export interface Admitted {
  execution_id: string
  status: 'queued' | 'running'
}

/** What is sent again. */
export interface Answer {
  status: number
  headers: Record<string, string>
  body: string
}

/** What became of a request that was sent before: one of these. */
export interface Earlier {
  answer?: Answer
  admitted?: Admitted
  /** It changed something and was not answered. */
  recorded?: { result: unknown }
}

/** Undefined for a key that is new, or older than keys are kept. @throws IdempotencyKeyReused */
export async function recallRequest(db: Db, claim: Claim): Promise<Earlier | undefined> {
  const row = await findKey(db, claim)
  if (!row) return undefined
  if (row.fingerprint !== claim.fingerprint) throw new IdempotencyKeyReused({ key: claim.key })
  if (row.answer !== null) return { answer: JSON.parse(row.answer) }
  const result = JSON.parse(row.result!)
  return row.execution_id === null ? { recorded: { result } } : { admitted: { execution_id: row.execution_id, ...result } }
}

function findKey(db: Db, { caller, method, path, key, now }: Claim): Promise<IdempotencyKeyRow | undefined> {
  return db
    .selectFrom('idempotency_keys')
    .selectAll()
    .where('caller', '=', caller)
    .where('method', '=', method)
    .where('path', '=', path)
    .where('key', '=', key)
    .where('created_at', '>', now - CLAIM_KEPT_MS)
    .executeTakeFirst()
}

/**
 * Keeps the answer for those who repeat the request. An answer that is there already stays, and so does the execution that
 * answers instead. The result that was recorded with the change has served its purpose.
 */
export const storeAnswer = defineCommand('idempotency.answer', async (db, { claim, answer }: { claim: Claim; answer: Answer }) => {
  const { caller, method, path, key, fingerprint, now: created_at } = claim
  const row = await findKey(db, claim)
  if (row && (row.fingerprint !== fingerprint || row.answer !== null || row.execution_id !== null)) return
  const kept = { fingerprint, created_at, execution_id: null, result: null, answer: JSON.stringify(answer) }
  await db
    .insertInto('idempotency_keys')
    .values({ caller, method, path, key, ...kept })
    .onConflict((conflict) => conflict.columns(['caller', 'method', 'path', 'key']).doUpdateSet(kept))
    .execute()
})

/** Deletes some of the keys that are kept no longer. @returns whether there are more */
export const purgeIdempotencyKeys = defineCommand(
  'idempotency.purge',
  async (db, { now, limit }: { now: number; limit: number }): Promise<boolean> => {
    const { numDeletedRows } = await db
      .deleteFrom('idempotency_keys')
      .where(({ eb, refTuple, selectFrom }) =>
        eb(
          refTuple('caller', 'method', 'path', 'key'),
          'in',
          selectFrom('idempotency_keys')
            .select(['caller', 'method', 'path', 'key'])
            .where('created_at', '<=', now - CLAIM_KEPT_MS)
            .limit(limit)
            .$asTuple('caller', 'method', 'path', 'key'),
        ),
      )
      .executeTakeFirst()
    return Number(numDeletedRows) === limit
  },
)

export const idempotencyCommands = [storeAnswer, purgeIdempotencyKeys]
