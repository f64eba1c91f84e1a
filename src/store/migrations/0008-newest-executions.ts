import { sql, type Kysely } from 'kysely'

/**
 * What a list needs to know of the releases of ten thousand deployments, so that it looks into those only that were executed
 * lately: an id that none of their executions is newer than. While routes lead to a release, that is the newest of its deployment
 * that has ended, which the counters' row takes along; from then on it stays, and is in the release.
 */
export async function addNewestExecutions(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('deployment_counters').addColumn('newest_execution_id', 'text').execute()
  await db.schema.alterTable('releases').addColumn('newest_execution_id', 'text').execute()
  const ended = ['completed', 'failed', 'cancelled'].map(
    (status) => sql`coalesce((select max(execution_id) from executions x where x.ended_at is not null and x.status = ${sql.lit(status)}
      and x.deployment_id = releases.deployment_id and x.release_number = releases.number), '')`,
  )
  await sql`update releases set newest_execution_id = max(${sql.join(ended)}, ${newestInFlight(sql`releases.deployment_id`)})`.execute(db)
  await sql`
    update deployment_counters set newest_execution_id = (
      select max(newest_execution_id) from releases where releases.deployment_id = deployment_counters.deployment_id)`.execute(db)
  await sql`
    update releases set newest_execution_id = null
    where (deployment_id, number) in (select deployment_id, release_number from routes)`.execute(db)
  await db.schema.createIndex('releases_number').on('releases').columns(['number', 'newest_execution_id', 'deployment_id']).execute()
  await db.schema.createIndex('deployments_environment').on('deployments').columns(['environment', 'deployment_id']).execute()
  await followRoutes(db)
}

/** By triggers, so that whoever changes routes need not know of it: one that was forgotten would hide executions from a list. */
async function followRoutes(db: Kysely<unknown>): Promise<void> {
  const served = sql`
    update releases set newest_execution_id = max(${newestInFlight(sql`old.deployment_id`)},
      coalesce((select newest_execution_id from deployment_counters where deployment_id = old.deployment_id), ''))
    where deployment_id = old.deployment_id and number = old.release_number;`
  const serves = sql`
    update releases set newest_execution_id = null where deployment_id = new.deployment_id and number = new.release_number;`
  await sql`create trigger routes_added after insert on routes begin ${serves} end`.execute(db)
  await sql`create trigger routes_removed after delete on routes begin ${served} end`.execute(db)
  await sql`create trigger routes_changed after update of deployment_id, release_number on routes begin ${served} ${serves} end`.execute(db)
}

function newestInFlight(deploymentId: ReturnType<typeof sql>) {
  return sql`coalesce((select max(execution_id) from executions x where x.ended_at is null and x.deployment_id = ${deploymentId}), '')`
}
