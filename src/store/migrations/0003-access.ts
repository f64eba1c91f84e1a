import { randomBytes } from 'node:crypto'
import { sql, type Kysely } from 'kysely'
import type { Tables } from '../tables.ts'

/** API keys, and by which of them an execution was started. */
export async function addAccess(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('api_keys')
    .addColumn('key_id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull())
    .addColumn('scopes', 'text', (column) => column.notNull())
    .addColumn('environments', 'text')
    .addColumn('deployment_pattern', 'text')
    .addColumn('rate_limit', 'text')
    .addColumn('concurrency', 'integer')
    .addColumn('created_at', 'integer', (column) => column.notNull())
    .addColumn('created_by', 'text')
    .addColumn('expires_at', 'integer')
    .addColumn('last_used_at', 'integer')
    .addColumn('revoked_at', 'integer')
    .modifyEnd(sql`without rowid`)
    .execute()
  // Each request without a key asks whether there is one; in years many are revoked.
  await db.schema
    .createIndex('api_keys_kept')
    .on('api_keys')
    .column('key_id')
    .where(sql`revoked_at`, 'is', null)
    .execute()
  // In the database, not beside it, so that keys hold in a restored backup. It need not be kept from whoever has the hashes: what
  // is hashed has 256 random bits, which nobody guesses. It ties the hashes to this database.
  await (db as Kysely<Pick<Tables, 'meta'>>)
    .insertInto('meta')
    .values({ key: 'api_key_pepper', value: randomBytes(32).toString('base64') })
    .execute()
  await db.schema.alterTable('executions').addColumn('api_key_id', 'text').execute()
}
