import { sql, type Kysely } from 'kysely'

/** What executions need to rest without a process, and clients to repeat a request without repeating its effect. */
export async function addDurability(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('executions')
    .addColumn('frozen', 'integer', (column) => column.notNull().defaultTo(0))
    .execute()
  await db.schema.alterTable('executions').addColumn('wake_at', 'integer').execute()
  await indexExecutions(db)
  await db.schema
    .createTable('idempotency_keys')
    .addColumn('caller', 'text', (column) => column.notNull())
    .addColumn('method', 'text', (column) => column.notNull())
    .addColumn('path', 'text', (column) => column.notNull())
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('fingerprint', 'text', (column) => column.notNull())
    .addColumn('created_at', 'integer', (column) => column.notNull())
    .addColumn('execution_id', 'text')
    .addColumn('result', 'text')
    .addColumn('answer', 'text')
    .addPrimaryKeyConstraint('idempotency_keys_key', ['caller', 'method', 'path', 'key'])
    .modifyEnd(sql`without rowid`)
    .execute()
  await db.schema.createIndex('idempotency_keys_age').on('idempotency_keys').column('created_at').execute()
}

/**
 * Partial indexes: an execution that completes, the common case, pays for none of them. SQLite uses one only for queries
 * that repeat its condition in these words, with the value as a literal.
 */
async function indexExecutions(db: Kysely<unknown>): Promise<void> {
  for (const status of ['failed', 'cancelled']) {
    await db.schema
      .createIndex(`executions_${status}`)
      .on('executions')
      .column('execution_id')
      .where(sql`status`, '=', sql.lit(status))
      .execute()
  }
  await db.schema
    .createIndex('executions_session')
    .on('executions')
    .columns(['session_id', 'execution_id'])
    .where(sql`session_id`, 'is not', null)
    .execute()
  await db.schema
    .createIndex('executions_wake')
    .on('executions')
    .column('wake_at')
    .where(sql`wake_at`, 'is not', null)
    .execute()
  // A tenth of what the writing thread did, for one filter of one list: the deployments of a workflow lead there as well.
  await db.schema.dropIndex('executions_workflow').execute()
}
