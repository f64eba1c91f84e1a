import { sql, type Kysely } from 'kysely'

/** What executions need to rest without a process, and clients to repeat a request without repeating its effect. */
export async function addDurability(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('executions')
    .addColumn('frozen', 'integer', (column) => column.notNull().defaultTo(0))
    .execute()
  await db.schema.alterTable('executions').addColumn('wake_at', 'integer').execute()
  await indexExecutions(db)
  // Executions that are gone but for their steps and events, which are purged in batches.
  await db.schema
    .createTable('removed_executions')
    .addColumn('execution_id', 'text', (column) => column.primaryKey())
    .modifyEnd(sql`without rowid`)
    .execute()
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
 * An execution is in one of two partial indexes, that of those in flight or that of those that ended: each end moves it, so
 * both together cost no more than one index on all would, and any list is a merge of a few runs of them. Their last columns
 * are there to answer from the index alone, `ended_at` because SQLite would else look up each row to see that it is in the
 * index for a reason.
 */
async function indexExecutions(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropIndex('executions_unfinished').execute()
  await db.schema
    .createIndex('executions_in_flight')
    .on('executions')
    .columns(['deployment_id', 'status', 'execution_id', 'release_number', 'ended_at'])
    .where(sql`ended_at`, 'is', null)
    .execute()
  await db.schema.dropIndex('executions_deployment').execute()
  await db.schema
    .createIndex('executions_ended')
    .on('executions')
    .columns(['status', 'deployment_id', 'release_number', 'execution_id', 'ended_at'])
    .where(sql`ended_at`, 'is not', null)
    .execute()
  // Those that completed, the common case, are not in this one.
  await db.schema
    .createIndex('executions_unsuccessful')
    .on('executions')
    .columns(['status', 'execution_id', 'deployment_id', 'release_number', 'ended_at'])
    .where(sql`status <> 'completed' and ended_at`, 'is not', null)
    .execute()
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
  // A tenth of what the writing thread did, for one filter of one list: the releases of a workflow lead there as well.
  await db.schema.dropIndex('executions_workflow').execute()
  await db.schema.createIndex('releases_workflow').on('releases').columns(['workflow_id', 'deployment_id', 'number']).execute()
}
