import { canonicalForm } from '../graph/digest.ts'
import type { Actor } from '../store/origin.ts'
import type { Db } from '../store/store.ts'
import type { AuditRow } from '../store/tables.ts'
import { differenceOf } from './difference.ts'
import { hashOf, NO_HASH, toEntry } from './entry.ts'

/** What the trail speaks of. */
export type ObjectType = 'workflow' | 'agent' | 'deployment' | 'proposal' | 'execution' | 'key' | 'secret' | 'variable'

export interface Change {
  /** By the clock, in milliseconds since 1970. */
  at: number
  /** What was done to what: `deployment.stop`. */
  action: `${ObjectType}.${string}`
  object: { id: string; name?: string | null; environment?: string | null }
  /** The object before, or what of it may have changed; null where it was not there. Nothing secret. */
  before: Record<string, unknown> | null
  /** The object after; null where it is gone. What is the same on both sides is left out of the entry. */
  after: Record<string, unknown> | null
}

/**
 * Adds an entry to the trail, in the transaction of the change. The entry before is read in this transaction and not
 * remembered: one that was rolled back was never there. 70 µs.
 */
export async function recordChange(db: Db, actor: Actor, change: Change): Promise<void> {
  const head = await findHead(db)
  const { before, after } = differenceOf(change.before, change.after)
  const row: AuditRow = {
    seq: (head?.seq ?? 0) + 1,
    at: change.at,
    actor_key_id: actor.key_id,
    actor_name: actor.name,
    actor_address: actor.address,
    action: change.action,
    object_type: change.action.slice(0, change.action.indexOf('.')),
    object_id: change.object.id,
    object_name: change.object.name ?? null,
    environment: change.object.environment ?? null,
    before: before && canonicalForm(before),
    after: after && canonicalForm(after),
    previous_hash: head?.hash ?? NO_HASH,
    hash: '',
  }
  await db
    .insertInto('audit')
    .values({ ...row, hash: hashOf(toEntry(row)) })
    .execute()
}

function findHead(db: Db): Promise<Pick<AuditRow, 'seq' | 'hash'> | undefined> {
  return db.selectFrom('audit').select(['seq', 'hash']).orderBy('seq', 'desc').limit(1).executeTakeFirst()
}

/** The newest entry of an action, as it is stored. */
export function findNewest(db: Db, action: Change['action']): Promise<Pick<AuditRow, 'after'> | undefined> {
  return db.selectFrom('audit').select('after').where('action', '=', action).orderBy('at', 'desc').orderBy('seq', 'desc').executeTakeFirst()
}
