import { sql, type Kysely } from 'kysely'

/** Everything that the life cycle of workflows, deployments and executions needs. */
export async function createInitialTables(db: Kysely<unknown>): Promise<void> {
  await createDefinitionTables(db)
  await createDeploymentTables(db)
  await createJournalTables(db)
}

async function createDefinitionTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('meta')
    .addColumn('key', 'text', (column) => column.primaryKey())
    .addColumn('value', 'text', (column) => column.notNull())
    .execute()
  await db.schema
    .createTable('workflows')
    .addColumn('workflow_id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('version', 'text', (column) => column.notNull())
    .addColumn('description', 'text')
    .addColumn('configuration', 'text', (column) => column.notNull())
    .addColumn('tags', 'text')
    .addColumn('created_by', 'text')
    .addColumn('is_active', 'integer', (column) => column.notNull())
    .addColumn('is_editable', 'integer', (column) => column.notNull())
    .addColumn('revision', 'integer', (column) => column.notNull())
    .addColumn('created_at', 'integer', (column) => column.notNull())
    .addColumn('updated_at', 'integer', (column) => column.notNull())
    .addUniqueConstraint('workflows_name_version', ['name', 'version'])
    .execute()
  await db.schema
    .createTable('agents')
    .addColumn('agent_id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull().unique())
    .addColumn('agent_type', 'text', (column) => column.notNull())
    .addColumn('description', 'text')
    .addColumn('config', 'text', (column) => column.notNull())
    .addColumn('available_for_deployment', 'integer', (column) => column.notNull())
    .addColumn('created_at', 'integer', (column) => column.notNull())
    .addColumn('updated_at', 'integer', (column) => column.notNull())
    .execute()
  await db.schema
    .createTable('definitions')
    .addColumn('definition_digest', 'text', (column) => column.primaryKey())
    .addColumn('definition', 'text', (column) => column.notNull())
    .execute()
}

async function createDeploymentTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('deployments')
    .addColumn('deployment_id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('environment', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('workflow_id', 'text', (column) => column.notNull())
    .addColumn('last_release', 'integer', (column) => column.notNull())
    .addColumn('deployed_at', 'integer', (column) => column.notNull())
    .addColumn('deployed_by', 'text')
    .addColumn('stopped_at', 'integer')
    .addUniqueConstraint('deployments_name_environment', ['name', 'environment'])
    .execute()
  await db.schema.createIndex('deployments_workflow').on('deployments').column('workflow_id').execute()
  await db.schema
    .createTable('deployment_counters')
    .addColumn('deployment_id', 'text', (column) => column.primaryKey().references('deployments.deployment_id').onDelete('cascade'))
    .addColumn('execution_count', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('error_count', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('last_executed', 'integer')
    .addColumn('last_error', 'text')
    .execute()
  await db.schema
    .createTable('releases')
    .addColumn('deployment_id', 'text', (column) => column.notNull().references('deployments.deployment_id').onDelete('cascade'))
    .addColumn('number', 'integer', (column) => column.notNull())
    .addColumn('digest', 'text', (column) => column.notNull())
    .addColumn('definition_digest', 'text', (column) => column.notNull().references('definitions.definition_digest'))
    .addColumn('runtime_config', 'text', (column) => column.notNull())
    .addColumn('workflow_id', 'text', (column) => column.notNull())
    .addColumn('workflow_name', 'text', (column) => column.notNull())
    .addColumn('workflow_version', 'text', (column) => column.notNull())
    .addColumn('workflow_description', 'text')
    .addColumn('created_at', 'integer', (column) => column.notNull())
    .addColumn('created_by', 'text')
    .addPrimaryKeyConstraint('releases_key', ['deployment_id', 'number'])
    .execute()
  await db.schema.createIndex('releases_definition').on('releases').column('definition_digest').execute()
  await db.schema
    .createTable('routes')
    .addColumn('deployment_id', 'text', (column) => column.notNull().references('deployments.deployment_id').onDelete('cascade'))
    .addColumn('release_number', 'integer', (column) => column.notNull())
    .addColumn('percent', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('routes_key', ['deployment_id', 'release_number'])
    .execute()
}

/**
 * The journal's tables have no foreign keys: they are written on the hot path, and the rows of a deleted deployment
 * are purged in batches after it is gone. `without rowid` keeps a row in its primary key's order: a quarter less is
 * written to disk.
 */
async function createJournalTables(db: Kysely<unknown>): Promise<void> {
  const withoutRowid = sql`without rowid`
  await db.schema
    .createTable('executions')
    .addColumn('execution_id', 'text', (column) => column.primaryKey())
    .addColumn('deployment_id', 'text', (column) => column.notNull())
    .addColumn('deployment_name', 'text', (column) => column.notNull())
    .addColumn('environment', 'text', (column) => column.notNull())
    .addColumn('workflow_id', 'text', (column) => column.notNull())
    .addColumn('release_number', 'integer', (column) => column.notNull())
    .addColumn('definition_digest', 'text', (column) => column.notNull())
    .addColumn('runtime_config', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('request', 'text', (column) => column.notNull())
    .addColumn('session_id', 'text')
    .addColumn('user_id', 'text')
    .addColumn('created_at', 'integer', (column) => column.notNull())
    .addColumn('slice_started_at', 'integer')
    .addColumn('started_at', 'integer')
    .addColumn('ended_at', 'integer')
    .addColumn('active_ms', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('recoveries', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('last_event_id', 'integer', (column) => column.notNull().defaultTo(1))
    .addColumn('response', 'text')
    .addColumn('error', 'text')
    .addColumn('input_tokens', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('output_tokens', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('demo', 'integer', (column) => column.notNull().defaultTo(0))
    .modifyEnd(withoutRowid)
    .execute()
  await db.schema.createIndex('executions_deployment').on('executions').columns(['deployment_id', 'execution_id']).execute()
  await db.schema.createIndex('executions_workflow').on('executions').columns(['workflow_id', 'execution_id']).execute()
  // On one column's null: SQLite uses a partial index only for queries that repeat its condition in these words.
  await db.schema
    .createIndex('executions_unfinished')
    .on('executions')
    .columns(['deployment_id', 'status'])
    .where(sql`ended_at`, 'is', null)
    .execute()
  await db.schema
    .createTable('steps')
    .addColumn('execution_id', 'text', (column) => column.notNull())
    .addColumn('step_id', 'text', (column) => column.notNull())
    .addColumn('position', 'integer', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('attempts', 'text', (column) => column.notNull())
    .addColumn('input', 'text')
    .addColumn('output', 'text')
    .addColumn('model', 'text')
    .addColumn('input_tokens', 'integer')
    .addColumn('output_tokens', 'integer')
    .addPrimaryKeyConstraint('steps_key', ['execution_id', 'step_id'])
    .modifyEnd(withoutRowid)
    .execute()
  await db.schema
    .createTable('events')
    .addColumn('execution_id', 'text', (column) => column.notNull())
    .addColumn('first_id', 'integer', (column) => column.notNull())
    .addColumn('last_id', 'integer', (column) => column.notNull())
    .addColumn('events', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('events_key', ['execution_id', 'first_id'])
    .modifyEnd(withoutRowid)
    .execute()
  await db.schema
    .createTable('purges')
    .addColumn('deployment_id', 'text', (column) => column.primaryKey())
    .addColumn('requested_at', 'integer', (column) => column.notNull())
    .execute()
}
