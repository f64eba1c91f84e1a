import { sql, type Kysely } from 'kysely'

/** What a stop was asked for, what deployments use in a day, and the webhooks that tell of failed executions. */
export async function addStopContract(db: Kysely<unknown>): Promise<void> {
  await addStops(db)
  await db.schema
    .createTable('deployment_usage')
    .addColumn('deployment_id', 'text', (column) => column.notNull().references('deployments.deployment_id').onDelete('cascade'))
    .addColumn('day', 'integer', (column) => column.notNull())
    .addColumn('tokens', 'integer', (column) => column.notNull())
    .addColumn('cost', 'real', (column) => column.notNull())
    .addPrimaryKeyConstraint('deployment_usage_key', ['deployment_id', 'day'])
    .modifyEnd(sql`without rowid`)
    .execute()
  await addWebhooks(db)
  // Who looks for what uses a secret looks at these only.
  await sql`
    create index releases_on_failure on releases (deployment_id, number)
    where json_extract(runtime_config, '$.on_failure') is not null`.execute(db)
}

async function addStops(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('deployment_stops')
    .addColumn('deployment_id', 'text', (column) => column.primaryKey().references('deployments.deployment_id').onDelete('cascade'))
    .addColumn('mode', 'text', (column) => column.notNull())
    .addColumn('since', 'integer', (column) => column.notNull())
    .addColumn('deadline_at', 'integer')
    .addColumn('deadline_passed_at', 'integer')
    .addColumn('cancelled', 'integer', (column) => column.notNull())
    .modifyEnd(sql`without rowid`)
    .execute()
  await sql`
    create index deployment_stops_deadline on deployment_stops (deadline_at)
    where deadline_at is not null and deadline_passed_at is null`.execute(db)
  // They are counted again and again while somebody waits for the end of a stop: a hundred thousand rows would take most of a second.
  await sql`create index executions_frozen on executions (deployment_id, status, frozen, ended_at) where frozen > 0 and ended_at is null`.execute(
    db,
  )
  // By a trigger, so that whoever makes a deployment serve again need not know of it: a deadline that was forgotten would cancel what runs.
  await sql`
    create trigger deployment_serves after update of status on deployments when new.status = 'active' begin
      delete from deployment_stops where deployment_id = new.deployment_id;
    end`.execute(db)
}

/** They have no reference to their deployment: hundreds of rows would go with it in one transaction. The housekeeper removes them. */
async function addWebhooks(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('failure_webhooks')
    .addColumn('seq', 'integer', (column) => column.primaryKey())
    .addColumn('webhook_id', 'text', (column) => column.notNull().unique())
    .addColumn('execution_id', 'text', (column) => column.notNull())
    .addColumn('deployment_id', 'text', (column) => column.notNull())
    .addColumn('environment', 'text', (column) => column.notNull())
    .addColumn('receiver', 'text', (column) => column.notNull())
    .addColumn('body', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('created_at', 'integer', (column) => column.notNull())
    .addColumn('next_at', 'integer')
    .addColumn('ended_at', 'integer')
    .addColumn('last_error', 'text')
    .execute()
  await sql`create index failure_webhooks_due on failure_webhooks (deployment_id, next_at, seq) where status = 'pending'`.execute(db)
  await sql`create index failure_webhooks_ended on failure_webhooks (deployment_id, seq, status) where status <> 'pending'`.execute(db)
  await db.schema.createIndex('failure_webhooks_execution').on('failure_webhooks').column('execution_id').execute()
  await db.schema
    .createTable('dropped_webhooks')
    .addColumn('deployment_id', 'text', (column) => column.primaryKey().references('deployments.deployment_id').onDelete('cascade'))
    .addColumn('count', 'integer', (column) => column.notNull())
    .addColumn('last_at', 'integer', (column) => column.notNull())
    .modifyEnd(sql`without rowid`)
    .execute()
}
