import type { Kysely } from 'kysely'

/** What a step cost when it ran: prices change. */
export async function addCosts(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('steps').addColumn('cost', 'real').execute()
}
