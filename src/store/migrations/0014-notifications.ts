import type { Kysely } from 'kysely'

/** Executions that others have begun: which one it was, and what they run of its workflow, from what results. */
export async function addNotifications(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('executions').addColumn('parent_id', 'text').execute()
  await db.schema.alterTable('executions').addColumn('notification', 'text').execute()
}
