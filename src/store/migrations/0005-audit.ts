import { sql, type Kysely } from 'kysely'

/**
 * The trail: who changed what. It has no foreign keys, since it outlives what it speaks of. The triggers hold against mistakes, of
 * ours and of whoever has a shell on the database; against intent there is the chain, which `audit verify` walks.
 */
export async function addAudit(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('audit')
    .addColumn('seq', 'integer', (column) => column.primaryKey())
    .addColumn('at', 'integer', (column) => column.notNull())
    .addColumn('actor_key_id', 'text', (column) => column.notNull())
    .addColumn('actor_name', 'text')
    .addColumn('actor_address', 'text')
    .addColumn('action', 'text', (column) => column.notNull())
    .addColumn('object_type', 'text', (column) => column.notNull())
    .addColumn('object_id', 'text', (column) => column.notNull())
    .addColumn('object_name', 'text')
    .addColumn('environment', 'text')
    .addColumn('before', 'text')
    .addColumn('after', 'text')
    .addColumn('previous_hash', 'text', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull())
    .execute()
  // Each ends with the time, so that what is found by it is sorted already.
  await db.schema.createIndex('audit_time').on('audit').columns(['at']).execute()
  await db.schema.createIndex('audit_actor').on('audit').columns(['actor_key_id', 'at']).execute()
  await db.schema.createIndex('audit_actor_name').on('audit').columns(['actor_name', 'at']).execute()
  await db.schema.createIndex('audit_action').on('audit').columns(['action', 'at']).execute()
  await db.schema.createIndex('audit_object_type').on('audit').columns(['object_type', 'at']).execute()
  await db.schema.createIndex('audit_object').on('audit').columns(['object_id', 'at']).execute()
  await db.schema.createIndex('audit_object_name').on('audit').columns(['object_name', 'at']).execute()
  await db.schema.createIndex('audit_environment').on('audit').columns(['environment', 'at']).execute()
  await appendOnly(db)
}

async function appendOnly(db: Kysely<unknown>): Promise<void> {
  await sql`create trigger audit_no_update before update on audit begin select raise(abort, 'an entry of the trail is never changed'); end`.execute(
    db,
  )
  await sql`create trigger audit_no_delete before delete on audit begin select raise(abort, 'an entry of the trail is never deleted'); end`.execute(
    db,
  )
  // Also against `insert or replace`, which deletes without the trigger above.
  await sql`
    create trigger audit_only_at_the_end before insert on audit
    when new.seq is not (select coalesce(max(seq), 0) + 1 from audit)
    begin select raise(abort, 'an entry of the trail comes after the last one'); end`.execute(db)
}
