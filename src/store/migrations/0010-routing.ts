import { sql, type Kysely } from 'kysely'

/**
 * A deployment may route to several releases. Its row says which of them is live and, only where there is more to say than that all
 * executions go there, how they are divided: so admission reads no more than before. Each change of the routes is kept.
 */
export async function addRouting(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('routes').addColumn('tag', 'text').execute()
  await addToDeployments(db)
  await createRouteChanges(db)
  await createGuards(db)
  await db.schema.alterTable('executions').addColumn('route_change', 'integer').execute()
  await db.schema.alterTable('executions').addColumn('bucket', 'integer').execute()
  await db.schema.alterTable('executions').addColumn('asked_route', 'text').execute()
}

async function addToDeployments(db: Kysely<unknown>): Promise<void> {
  const table = db.schema.alterTable('deployments')
  await table.addColumn('live_release', 'integer', (column) => column.notNull().defaultTo(0)).execute()
  await table.addColumn('traffic', 'text').execute()
  await table.addColumn('route_change', 'integer', (column) => column.notNull().defaultTo(0)).execute()
  await sql`
    update deployments set route_change = 1, live_release = coalesce(
      (select release_number from routes r where r.deployment_id = deployments.deployment_id order by percent desc, release_number limit 1),
      last_release)`.execute(db)
}

/** What is known of the changes before is the last deploy. */
async function createRouteChanges(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('route_changes')
    .addColumn('deployment_id', 'text', (column) => column.notNull().references('deployments.deployment_id').onDelete('cascade'))
    .addColumn('number', 'integer', (column) => column.notNull())
    .addColumn('at', 'integer', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('by', 'text')
    .addColumn('key_id', 'text', (column) => column.notNull())
    .addColumn('reason', 'text')
    .addColumn('before', 'text')
    .addColumn('after', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('route_changes_key', ['deployment_id', 'number'])
    .modifyEnd(sql`without rowid`)
    .execute()
  await sql`
    insert into route_changes (deployment_id, number, at, kind, by, key_id, after)
    select deployment_id, 1, deployed_at, 'deploy', deployed_by, '',
      json_array(json_object('release', live_release, 'percent', 100)) from deployments`.execute(db)
}

/** Of each release that is watched, the bounds and what was counted since: in the present round, and in the one before. */
async function createGuards(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('guards')
    .addColumn('deployment_id', 'text', (column) => column.notNull().references('deployments.deployment_id').onDelete('cascade'))
    .addColumn('release_number', 'integer', (column) => column.notNull())
    .addColumn('back_to', 'integer', (column) => column.notNull())
    .addColumn('bounds', 'text', (column) => column.notNull())
    .addColumn('counts', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('guards_key', ['deployment_id', 'release_number'])
    .modifyEnd(sql`without rowid`)
    .execute()
}
