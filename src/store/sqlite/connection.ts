import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { Kysely, SqliteDialect, type SqliteDatabase, type SqliteStatement } from 'kysely'
import type { Tables } from '../tables.ts'

type Value = null | number | bigint | string | Uint8Array

const LOG_BYTES = 16 * 1024 * 1024

/**
 * A connection to the embedded database. Statements are prepared once and kept; the number of distinct statements is
 * that of the queries in the code, but for lists of varying length, so the cache is bounded.
 */
export class SqliteConnection {
  readonly raw: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  /**
   * @param options `readOnly`: for queries; the file must exist then. `queriesOnly`: the same, but it takes the files of the log away
   * where it is the last. `unflushed`: for a file that is only being made; whoever
   * makes it flushes it
   */
  constructor(file: string | URL, options: { readOnly?: boolean; queriesOnly?: boolean; unflushed?: boolean } = {}) {
    this.raw = new DatabaseSync(file, { readOnly: options.readOnly ?? false, timeout: 5_000 })
    // Otherwise large sorts, and savepoints of large groups, go through files in the system's folder for temporary ones.
    this.raw.exec('pragma foreign_keys = on; pragma temp_store = memory')
    if (options.queriesOnly) this.raw.exec('pragma query_only = on')
    if (options.readOnly || options.queriesOnly) return
    if (options.unflushed) this.raw.exec('pragma journal_mode = memory; pragma synchronous = off')
    // Before the first table is made, or never: pages that are freed can be given back to the file system. It costs the
    // writing thread three parts in a hundred. Said again, it would write the same into the file again, and flush the disk.
    const isEmpty = this.raw.prepare('pragma page_count').get()!['page_count'] === 0
    if (isEmpty) this.raw.exec('pragma auto_vacuum = incremental')
    if (options.unflushed) return
    // FULL: a commit that was answered survives a power cut (P1). Both are set although they may be defaults.
    this.raw.exec('pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 1000')
    // The log grows while somebody reads for long, as a backup does; afterwards it shrinks to this.
    this.raw.exec(`pragma journal_size_limit = ${LOG_BYTES}`)
  }

  prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (!statement) {
      if (this.#statements.size >= 500) this.#statements.clear()
      statement = this.raw.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  close(): void {
    this.#statements.clear()
    this.raw.close()
  }
}

/** Kysely over `node:sqlite`: its own SQLite dialect expects the shape of `better-sqlite3`, which is small. */
export function kyselyOver(connection: SqliteConnection): Kysely<Tables> {
  const database: SqliteDatabase = {
    close: () => undefined, // whoever opened the connection closes it
    prepare: (sql) => adaptStatement(connection.prepare(sql)),
  }
  const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database }) })
  connections.set(db, connection)
  return db
}

const connections = new WeakMap<object, SqliteConnection>()

/** What a database writes on: for a command that is made of others which are written against the connection. */
export function connectionOf(db: Kysely<Tables>): SqliteConnection {
  const connection = connections.get(db)
  if (!connection) throw new Error('this database is not the writing thread’s own')
  return connection
}

function adaptStatement(statement: StatementSync): SqliteStatement {
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...checked(parameters)),
    run: (parameters) => statement.run(...checked(parameters)),
    iterate: (parameters) => statement.iterate(...checked(parameters)) as IterableIterator<unknown>,
  }
}

/** `node:sqlite` binds `undefined` as NULL without a word, which would hide a mistake of ours. */
function checked(parameters: readonly unknown[]): Value[] {
  for (const parameter of parameters) {
    if (parameter === undefined) throw new TypeError('a query was given undefined as a parameter')
  }
  return parameters as Value[]
}
