import { existsSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { StartRefused } from '../../start-refused.ts'
import type { Db } from '../store.ts'
import type { Tables } from '../tables.ts'
import { kyselyOver, SqliteConnection } from './connection.ts'
import { APPLICATION_ID, DATABASE_NAME, readPragma } from './database-file.ts'

export interface ReadDatabase {
  read: Db
  close(): void
}

/**
 * Opens a database for queries, whether a server runs on it or not, and changes nothing: a data folder's, or a copy of one
 * wherever it lies.
 * @param path a data folder, or a file
 * @param table that it must have: one of an older version may not
 * @throws StartRefused with one line that says what is wrong
 */
export function readDatabase(path: string, table: keyof Tables): ReadDatabase {
  const file = toFile(resolve(path))
  let connection: SqliteConnection | undefined
  try {
    connection = open(file)
    refuseOther(connection, file, table)
    const opened = connection
    return { read: kyselyOver(opened), close: () => opened.close() }
  } catch (error) {
    connection?.close()
    if (error instanceof StartRefused) throw error
    throw new StartRefused(`The database ${file} cannot be read: ${(error as Error).message}.`)
  }
}

function refuseOther(connection: SqliteConnection, file: string, table: string): void {
  if (readPragma(connection, 'application_id') !== APPLICATION_ID)
    throw new StartRefused(`The file ${file} is no database of Agent Studio.`)
  if (connection.prepare("select 1 from sqlite_schema where type = 'table' and name = ?").get(table)) return
  throw new StartRefused(
    `The database ${file} is of an older version, which had nothing of this. A start of this version's server adds it.`,
  )
}

function toFile(path: string): string {
  if (!existsSync(path)) throw new StartRefused(`There is no file or folder ${path}.`)
  if (!statSync(path).isDirectory()) return path
  const file = join(path, DATABASE_NAME)
  if (existsSync(file)) return file
  throw new StartRefused(`There is no database in ${path}. AGENT_STUDIO_DATA_DIR says which data folder is meant.`)
}

/** Where nothing may be written, SQLite can make no log beside the file, and needs none. */
function open(file: string): SqliteConnection {
  let connection: SqliteConnection | undefined
  try {
    connection = new SqliteConnection(file, { queriesOnly: true })
    connection.prepare('select 1 from sqlite_schema').get()
    return connection
  } catch (error) {
    connection?.close()
    if (existsSync(`${file}-wal`) || !isUnwritable(error)) throw error
    const address = pathToFileURL(file)
    address.searchParams.set('immutable', '1')
    return new SqliteConnection(address, { readOnly: true })
  }
}

const SQLITE_READONLY = 8
const SQLITE_CANTOPEN = 14

function isUnwritable(error: unknown): boolean {
  const code = ((error as { errcode?: number }).errcode ?? 0) & 0xff
  return code === SQLITE_READONLY || code === SQLITE_CANTOPEN
}
