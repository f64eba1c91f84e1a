import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StartRefused } from '../../start-refused.ts'
import type { Kysely } from 'kysely'
import { migrations } from '../migrations.ts'
import { kyselyOver, SqliteConnection } from './connection.ts'
import { createDatabase } from './create-database.ts'

/** The database within a data folder. */
export const DATABASE_NAME = 'agent-studio.db'

/** Says in the file's header whose database it is (pragma application_id): "ASdb". */
export const APPLICATION_ID = 0x41536462

const SQLITE_BUSY = 5
const SQLITE_FULL = 13
/** The file that a connection shares with others could not be made. */
const SQLITE_IOERR_SHMSIZE = 4874

export interface DatabaseFile {
  file: string
  /** Lets go of the data folder. */
  release: () => void
}

/** The data folder belongs to a process that runs. */
export class FolderInUse extends StartRefused {}

/** A server that is just ending gets so long to let go of its folder. */
const PATIENCE_MS = 1_000

/**
 * Makes the database of a data folder ready: creates the folder, takes it for this process alone, migrates.
 * Two servers on one folder would each recover the other's executions.
 * @throws {StartRefused} with one line that says what to do
 */
export async function openDatabaseFile(dataDir: string, { patienceMs = PATIENCE_MS } = {}): Promise<DatabaseFile> {
  const folder = resolve(dataDir)
  const release = takeFolder(folder, patienceMs)
  try {
    const file = join(folder, DATABASE_NAME)
    if (!existsSync(file)) await createDatabase(file, (connection) => runMigrations(connection, 0))
    await migrate(file)
    return { file, release }
  } catch (error) {
    release()
    if (error instanceof StartRefused) throw error
    const { errcode = 0, code, message } = error as NodeJS.ErrnoException & { errcode?: number }
    const isFull = (errcode & 0xff) === SQLITE_FULL || errcode === SQLITE_IOERR_SHMSIZE || code === 'ENOSPC'
    throw new StartRefused(
      isFull ? `The disk of the database in ${folder} is full.` : `The database in ${folder} cannot be opened: ${message}.`,
    )
  }
}

/** Not Node's own recursive mkdir, which never comes back where a folder cannot be made but its parent exists, as in /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  makeFolder(dirname(folder))
  mkdirSync(folder, { mode: 0o700 })
}

/** The lock is SQLite's own on a file beside the database: the operating system frees it however the process ends. */
function takeFolder(folder: string, patienceMs: number): () => void {
  let lock: DatabaseSync
  try {
    makeFolder(folder)
    lock = new DatabaseSync(join(folder, 'lock.db'), { timeout: patienceMs })
  } catch (error) {
    throw new StartRefused(
      `The data folder ${folder} cannot be written: ${(error as Error).message}. Set AGENT_STUDIO_DATA_DIR to another folder.`,
    )
  }
  try {
    lock.exec('pragma locking_mode = exclusive; begin exclusive')
    return () => lock.close()
  } catch (error) {
    lock.close()
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) {
      throw new FolderInUse(
        `The data folder ${folder} is in use by another Agent Studio. Stop that one, or set AGENT_STUDIO_DATA_DIR to another folder.`,
      )
    }
    throw new StartRefused(
      `The data folder ${folder} cannot be written: ${(error as Error).message}. Set AGENT_STUDIO_DATA_DIR to another folder.`,
    )
  }
}

async function migrate(file: string): Promise<void> {
  const connection = new SqliteConnection(file)
  try {
    const version = readPragma(connection, 'user_version')
    refuseForeign(connection, file, version)
    await runMigrations(connection, version)
    // SQLite opens a file that it may not write without a word, and says so only when somebody writes.
    connection.raw.exec('begin immediate; update meta set value = value; rollback')
  } finally {
    connection.close()
  }
}

/** Each migration and the note that it ran are one transaction, so that a kill in the middle leaves the step before. */
async function runMigrations(connection: SqliteConnection, version: number): Promise<void> {
  const db = kyselyOver(connection) as unknown as Kysely<unknown>
  for (const [index, migration] of migrations.entries()) {
    if (index < version) continue
    connection.raw.exec('begin immediate')
    await migration(db)
    connection.raw.exec(`pragma user_version = ${index + 1}; pragma application_id = ${APPLICATION_ID}`)
    connection.raw.exec('commit')
  }
}

function refuseForeign(connection: SqliteConnection, file: string, version: number): void {
  if (version > migrations.length) {
    throw new StartRefused(
      `The database ${file} was written by a newer Agent Studio (its version is ${version}, this one knows ${migrations.length}). Start that one, or restore a backup.`,
    )
  }
  const isEmpty = connection.prepare('select 1 from sqlite_schema limit 1').get() === undefined
  if (!isEmpty && readPragma(connection, 'application_id') !== APPLICATION_ID) {
    throw new StartRefused(`The file ${file} is a database of another program. Set AGENT_STUDIO_DATA_DIR to another folder.`)
  }
}

export function readPragma(connection: SqliteConnection, name: 'user_version' | 'application_id'): number {
  return Number(connection.prepare(`pragma ${name}`).get()![name])
}
