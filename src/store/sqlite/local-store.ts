import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { deserializeError } from '../../errors.ts'
import { StartRefused } from '../../start-refused.ts'
import { migrations } from '../migrations.ts'
import { localCommand, type Origin } from '../origin.ts'
import type { Command, Db, Store } from '../store.ts'
import { kyselyOver, SqliteConnection } from './connection.ts'
import { DATABASE_NAME, FolderInUse, openDatabaseFile, readPragma } from './database-file.ts'
import { SqliteWriter, type AnyCommand } from './writer.ts'

export interface LocalStoreOptions {
  /** Whether to make a database where there is none; otherwise that is refused. */
  create?: boolean
}

/**
 * The store of a command on the machine itself, whether a server runs on the data folder or not. What it writes counts at
 * once for that server, too: SQLite lets processes take turns.
 */
export class LocalStore implements Store {
  readonly read: Db
  readonly #connection: SqliteConnection
  readonly #writer: SqliteWriter

  /** @throws StartRefused with one line that says what to do */
  static async open(dataDir: string, commands: readonly AnyCommand[], options: LocalStoreOptions = {}): Promise<LocalStore> {
    return new LocalStore(new SqliteConnection(await readyFile(resolve(dataDir), options)), commands)
  }

  private constructor(connection: SqliteConnection, commands: readonly AnyCommand[]) {
    this.#connection = connection
    this.#writer = new SqliteWriter(connection, commands)
    this.read = kyselyOver(connection)
  }

  /** @throws what the command throws from the error catalogue */
  async write<Args, Result>({ name }: Command<Args, Result>, args: Args, origin: Origin = { actor: localCommand }): Promise<Result> {
    const [reply] = await this.#writer.commit([{ name, args, origin }])
    if ('ok' in reply!) return reply.ok as Result
    throw Object.assign(deserializeError(reply!.error), { cause: reply!.cause })
  }

  close(): void {
    this.#connection.close()
  }
}

async function readyFile(folder: string, { create = false }: LocalStoreOptions): Promise<string> {
  const file = join(folder, DATABASE_NAME)
  if (!create && !existsSync(file)) {
    throw new StartRefused(
      `There is no database in ${folder}. Run this where the server runs, or set AGENT_STUDIO_DATA_DIR to its data folder.`,
    )
  }
  try {
    const { release } = await openDatabaseFile(folder, { patienceMs: 0 })
    release()
  } catch (error) {
    if (!(error instanceof FolderInUse)) throw error
    refuseOtherVersion(file, folder)
  }
  return file
}

/** A server runs on it, which has made the database what its own version needs. */
function refuseOtherVersion(file: string, folder: string): void {
  const connection = new SqliteConnection(file, { readOnly: true })
  const version = readPragma(connection, 'user_version')
  connection.close()
  if (version === migrations.length) return
  throw new StartRefused(
    `The server that runs on ${folder} is of another version (its database is ${version}, this one's would be ${migrations.length}). Use the command of that version.`,
  )
}
