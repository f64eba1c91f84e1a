import { sql, type Kysely } from 'kysely'

/** What steps need that wait for a time, a person or a word from outside. */
export async function addGraph(db: Kysely<unknown>): Promise<void> {
  // How much of `active_ms` is of a wait that is not over: one that is woken early has not waited for all of it.
  await db.schema
    .alterTable('executions')
    .addColumn('booked_ms', 'integer', (column) => column.notNull().defaultTo(0))
    .execute()
  await db.schema
    .createTable('signals')
    .addColumn('execution_id', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('seq', 'integer', (column) => column.notNull())
    .addColumn('payload', 'text', (column) => column.notNull())
    .addColumn('sent_at', 'integer', (column) => column.notNull())
    .addColumn('sent_by', 'text')
    .addPrimaryKeyConstraint('signals_key', ['execution_id', 'name', 'seq'])
    .modifyEnd(sql`without rowid`)
    .execute()
  // The few steps that wait for a person.
  await db.schema
    .createIndex('steps_approvals')
    .on('steps')
    .columns(['execution_id', 'step_id'])
    .where(sql`kind = 'approval' and status`, '=', 'running')
    .execute()
}
