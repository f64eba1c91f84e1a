import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fillExecutions } from '../../bench/fill.ts'
import { createInitialTables } from '../../src/store/migrations/0001-initial.ts'
import { kyselyOver, SqliteConnection } from '../../src/store/sqlite/connection.ts'
import { APPLICATION_ID, DATABASE_NAME } from '../../src/store/sqlite/database-file.ts'

/** Makes the database that version 0.1.0 would have left, with some history. @returns its file */
export async function makeOldDatabase(dataDir: string, executions: number): Promise<string> {
  mkdirSync(dataDir, { recursive: true })
  const file = join(dataDir, DATABASE_NAME)
  // That version did not ask for pages to be given back.
  const empty = new DatabaseSync(file)
  empty.exec('create table t (a); drop table t')
  empty.close()
  const connection = new SqliteConnection(file)
  connection.raw.exec('begin')
  await createInitialTables(kyselyOver(connection) as never)
  connection.raw.exec(`pragma user_version = 1; pragma application_id = ${APPLICATION_ID}; commit`)
  connection.close()
  fillExecutions(file, { executions, deployments: 3, running: 2 })
  return file
}
