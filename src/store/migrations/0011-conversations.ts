import { sql, type Kysely } from 'kysely'

/**
 * Conversations, and executions of drafts. Only executions that have a session, or are of a draft, have entries in these indexes.
 * Those from before are no turns of any conversation: nobody had been told that they would be remembered.
 */
export async function addConversations(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('executions').addColumn('session_turn', 'integer').execute()
  await db.schema.alterTable('executions').addColumn('remembered', 'text').execute()
  await indexConversations(db)
  await indexDrafts(db)
}

/**
 * One index of those in flight, which is short, and one of the turns, which are those with a response: a conversation may have had
 * thousands. No condition says `column = value`: SQLite would compare each parameter that the column is compared with, and prepare
 * such a query anew whenever it is run, for 30 µs.
 */
async function indexConversations(db: Kysely<unknown>): Promise<void> {
  const conversation = ['session_id', 'deployment_id', 'api_key_id', 'execution_id']
  await db.schema
    .createIndex('executions_in_session')
    .on('executions')
    .columns(conversation)
    .where(sql`session_turn is not null and ended_at`, 'is', null)
    .execute()
  await db.schema
    .createIndex('executions_turns')
    .on('executions')
    .columns(conversation)
    .where(sql`session_turn is not null and response`, 'is not', null)
    .execute()
  // Those that wait for their turn, by deployment: they are counted where its queue seems to be full. `< 1` stands for `= 0`.
  await db.schema
    .createIndex('executions_behind')
    .on('executions')
    .columns(['deployment_id', 'status', 'session_turn', 'ended_at'])
    .where(sql`session_turn < 1 and ended_at`, 'is', null)
    .execute()
}

/** By time, by workflow, and by what keeps a definition. `<=` stands for `=`, as said above; a query has to repeat it. */
async function indexDrafts(db: Kysely<unknown>): Promise<void> {
  for (const [name, columns] of [
    ['executions_drafts', ['execution_id']],
    ['executions_drafts_of_workflow', ['workflow_id', 'execution_id']],
    ['executions_drafts_of_definition', ['definition_digest']],
  ] as const) {
    await db.schema
      .createIndex(name)
      .on('executions')
      .columns([...columns])
      .where(sql`deployment_id`, '<=', sql.lit(''))
      .execute()
  }
}
