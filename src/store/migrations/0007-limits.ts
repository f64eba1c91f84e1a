import { sql, type Kysely } from 'kysely'

/** What deployments have used of their rate limits. A deployment without a limit, or that was never used since it has one, has no row. */
export async function addRates(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('deployment_rates')
    .addColumn('deployment_id', 'text', (column) => column.primaryKey().references('deployments.deployment_id').onDelete('cascade'))
    .addColumn('full_at', 'real', (column) => column.notNull())
    .addColumn('each_ms', 'real', (column) => column.notNull())
    .modifyEnd(sql`without rowid`)
    .execute()
}
