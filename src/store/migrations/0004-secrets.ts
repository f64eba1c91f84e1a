import { sql, type Kysely } from 'kysely'
import type { Tables } from '../tables.ts'

/** Secrets and variables of environments, and which definitions refer to them. */
export async function addSecrets(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('secrets')
    .addColumn('environment', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('version', 'integer', (column) => column.notNull())
    .addColumn('key_id', 'text', (column) => column.notNull())
    .addColumn('sealed', 'blob', (column) => column.notNull())
    .addColumn('created_at', 'integer', (column) => column.notNull())
    .addColumn('created_by', 'text')
    .addColumn('updated_at', 'integer', (column) => column.notNull())
    .addColumn('updated_by', 'text')
    .addPrimaryKeyConstraint('secrets_key', ['environment', 'name'])
    .execute()
  await db.schema
    .createTable('variables')
    .addColumn('environment', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('version', 'integer', (column) => column.notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .addColumn('created_at', 'integer', (column) => column.notNull())
    .addColumn('created_by', 'text')
    .addColumn('updated_at', 'integer', (column) => column.notNull())
    .addColumn('updated_by', 'text')
    .addPrimaryKeyConstraint('variables_key', ['environment', 'name'])
    .execute()
  // Counted up with each change, so that whoever remembers what an environment has can tell whether it still has.
  await db.schema
    .createTable('environment_revisions')
    .addColumn('environment', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('revision', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('environment_revisions_key', ['environment', 'kind'])
    .modifyEnd(sql`without rowid`)
    .execute()
  await db.schema
    .createTable('definition_references')
    .addColumn('definition_digest', 'text', (column) => column.notNull().references('definitions.definition_digest').onDelete('cascade'))
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('definition_references_key', ['definition_digest', 'kind', 'name'])
    .modifyEnd(sql`without rowid`)
    .execute()
  await db.schema.createIndex('definition_references_name').on('definition_references').columns(['kind', 'name']).execute()
  await noteProviderKeys(db as Kysely<Pick<Tables, 'definitions' | 'definition_references'>>)
}

/** The names of the keys that definitions of before call their models with. */
const PROVIDER_KEYS = new Map([
  ['openai', 'OPENAI_API_KEY'],
  ['anthropic', 'ANTHROPIC_API_KEY'],
  ['google', 'GOOGLE_GENERATIVE_AI_API_KEY'],
])

async function noteProviderKeys(db: Kysely<Pick<Tables, 'definitions' | 'definition_references'>>): Promise<void> {
  const definitions = await db.selectFrom('definitions').selectAll().execute()
  for (const { definition_digest, definition } of definitions) {
    const { agents = [] } = JSON.parse(definition) as { agents?: { config?: { model?: unknown } }[] }
    const names = new Set(agents.flatMap(({ config }) => PROVIDER_KEYS.get(String(config?.model).split('/')[0]!) ?? []))
    for (const name of names) {
      await db.insertInto('definition_references').values({ definition_digest, kind: 'provider_key', name }).execute()
    }
  }
}
