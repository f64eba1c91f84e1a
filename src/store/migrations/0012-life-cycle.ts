import { sql, type Kysely } from 'kysely'

/** How releases were made, what holds automated deploys up, what waits for a second key, and which executions were run again. */
export async function addLifeCycle(db: Kysely<unknown>): Promise<void> {
  const releases = db.schema.alterTable('releases')
  await releases.addColumn('note', 'text').execute()
  await releases.addColumn('made_by', 'text', (column) => column.notNull().defaultTo('deploy')).execute()
  await releases.addColumn('made_from', 'text').execute()
  await releases.addColumn('key_id', 'text', (column) => column.notNull().defaultTo('')).execute()
  await releases.addColumn('key_name', 'text').execute()
  await releases.addColumn('proposal_id', 'text').execute()
  await db.schema
    .createTable('deployment_holds')
    .addColumn('deployment_id', 'text', (column) => column.primaryKey().references('deployments.deployment_id').onDelete('cascade'))
    .addColumn('since', 'integer', (column) => column.notNull())
    .addColumn('by', 'text')
    .addColumn('key_id', 'text', (column) => column.notNull())
    .addColumn('reason', 'text')
    .addColumn('from_releases', 'text', (column) => column.notNull())
    .addColumn('to_release', 'integer', (column) => column.notNull())
    .modifyEnd(sql`without rowid`)
    .execute()
  await createProposals(db)
  await createReruns(db)
}

async function createProposals(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('proposals')
    .addColumn('proposal_id', 'text', (column) => column.primaryKey())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('environment', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('digest', 'text', (column) => column.notNull())
    .addColumn('release', 'text')
    .addColumn('base', 'text')
    .addColumn('note', 'text')
    .addColumn('warnings', 'text', (column) => column.notNull())
    .addColumn('requested_at', 'integer', (column) => column.notNull())
    .addColumn('requested_by', 'text')
    .addColumn('key_id', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'integer', (column) => column.notNull())
    .addColumn('decided_at', 'integer')
    .addColumn('decided_by', 'text')
    .addColumn('decided_by_key_id', 'text')
    .addColumn('reason', 'text')
    .addColumn('release_number', 'integer')
    .execute()
  await db.schema.createIndex('proposals_status').on('proposals').columns(['status', 'proposal_id']).execute()
}

/** The row goes with the execution that was run again, so that whoever removes executions need not know of it. */
async function createReruns(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('reruns')
    .addColumn('execution_id', 'text', (column) => column.primaryKey())
    .addColumn('rerun_id', 'text', (column) => column.notNull())
    .modifyEnd(sql`without rowid`)
    .execute()
  await sql`
    create trigger executions_removed after delete on executions begin
      delete from reruns where execution_id = old.execution_id;
    end`.execute(db)
}
