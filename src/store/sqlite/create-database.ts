import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { SqliteConnection } from './connection.ts'

/**
 * Makes a new database under another name, flushes it to the disk as a whole, and only then gives it its own. SQLite would
 * flush at each of a dozen steps on the way. A start that is killed meanwhile leaves what the next one removes.
 * @param fill makes the tables
 */
export async function createDatabase(file: string, fill: (connection: SqliteConnection) => Promise<void>): Promise<void> {
  const unfinished = `${file}.new`
  // Where only a log was left of an older database, it would be taken for the log of this one.
  for (const name of [unfinished, `${unfinished}-wal`, `${unfinished}-shm`, `${file}-wal`, `${file}-shm`, `${file}-journal`])
    rmSync(name, { force: true })
  // For its owner alone, whatever the folder allows; SQLite gives its log the same mode.
  closeSync(openSync(unfinished, 'wx', 0o600))
  const connection = new SqliteConnection(unfinished, { unflushed: true })
  try {
    await fill(connection)
    connection.raw.exec('pragma journal_mode = wal')
  } finally {
    connection.close()
  }
  flush(unfinished, 'r+')
  renameSync(unfinished, file)
  flush(dirname(file), 'r')
}

function flush(path: string, mode: 'r' | 'r+'): void {
  const opened = openSync(path, mode)
  try {
    fsyncSync(opened)
  } finally {
    closeSync(opened)
  }
}
