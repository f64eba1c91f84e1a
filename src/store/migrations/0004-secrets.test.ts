import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Kysely } from 'kysely'
import { removeFolder, temporaryFolder } from '../../../test/support/server.ts'
import { migrations } from '../migrations.ts'
import { kyselyOver, SqliteConnection } from '../sqlite/connection.ts'
import { addSecrets } from './0004-secrets.ts'

it('notes with which keys the definitions of before call their models', async () => {
  const folder = temporaryFolder()
  const connection = new SqliteConnection(join(folder, 'old.db'))
  const db = kyselyOver(connection) as unknown as Kysely<unknown>
  for (const migration of migrations.slice(0, migrations.indexOf(addSecrets))) await migration(db)
  const definitions = {
    several: {
      agents: ['openai/gpt-4o', 'anthropic/claude-x', 'openai/other', 'demo/echo', 'ollama/x'].map((model) => ({ config: { model } })),
    },
    google: { agents: [{ config: { model: 'google/gemini-x' } }] },
    odd: { agents: [{}, { config: {} }, { config: { model: 5 } }] },
    none: {},
  }
  for (const [name, definition] of Object.entries(definitions)) {
    connection.prepare('insert into definitions values (?, ?)').run(name, JSON.stringify(definition))
  }
  await addSecrets(db)
  connection.close()
  const database = new DatabaseSync(join(folder, 'old.db'), { readOnly: true })
  const noted = database.prepare('select definition_digest, kind, name from definition_references order by 1, 3').all()
  database.close()
  expect(noted.map((row) => Object.values(row))).toEqual([
    ['google', 'provider_key', 'GOOGLE_GENERATIVE_AI_API_KEY'],
    ['several', 'provider_key', 'ANTHROPIC_API_KEY'],
    ['several', 'provider_key', 'OPENAI_API_KEY'],
  ])
  removeFolder(folder)
})
