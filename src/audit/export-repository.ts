import { setImmediate as nextTurn } from 'node:timers/promises'
import { sql, type RawBuilder } from 'kysely'
import { everywhere, type Reach } from '../access/caller.ts'
import type { Db } from '../store/store.ts'
import type { AuditRow } from '../store/tables.ts'
import { withinReach } from './list-repository.ts'

/** Entries that are in memory at once. */
const BATCH = 200

/** Entries that are looked at in one turn of the event loop. Some milliseconds. */
const TURN = 500

export interface ExportOptions {
  /** Only what was added after this entry. */
  after?: number
  reach?: Reach
}

/** Every entry that there is when it begins, oldest first, some at a time; nothing is read before it is asked for. */
export async function* allEntries(db: Db, { after = 0, reach = everywhere }: ExportOptions = {}): AsyncGenerator<AuditRow[], void> {
  const last = await lastSeq(db)
  const conditions = withinReach(db, reach).map((one) => sql`+(${one})`)
  for (let position = after; position < last;) {
    const end = (await edgeOfTurn(db, position)) ?? last
    let rows: AuditRow[]
    do {
      rows = await entriesBetween(db, position, end, conditions)
      if (rows.length > 0) yield rows
      position = rows.at(-1)?.seq ?? end
    } while (rows.length === BATCH)
    position = end
    await nextTurn()
  }
}

async function lastSeq(db: Db): Promise<number> {
  const row = await db.selectFrom('audit').select('seq').orderBy('seq', 'desc').limit(1).executeTakeFirst()
  return row?.seq ?? 0
}

async function edgeOfTurn(db: Db, after: number): Promise<number | undefined> {
  const { rows } = await sql<{ seq: number }>`select seq from audit where seq > ${after} order by seq limit 1 offset ${TURN - 1}`.execute(
    db,
  )
  return rows[0]?.seq
}

/** @param after without it. @param end with it */
async function entriesBetween(db: Db, after: number, end: number, conditions: RawBuilder<unknown>[]): Promise<AuditRow[]> {
  const { rows } = await sql<AuditRow>`
    select * from audit where ${sql.join([sql`seq > ${after}`, sql`seq <= ${end}`, ...conditions], sql` and `)}
    order by seq limit ${BATCH}`.execute(db)
  return rows
}
