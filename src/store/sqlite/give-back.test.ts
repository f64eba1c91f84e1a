import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { removeFolder, temporaryFolder } from '../../../test/support/server.ts'
import { SqliteConnection } from './connection.ts'
import { giveBackPages } from './give-back.ts'

const MB = 1_000_000

let folder: string
let file: string
let connection: SqliteConnection | undefined
beforeEach(() => {
  folder = temporaryFolder()
  file = join(folder, 'test.db')
})
afterEach(() => {
  connection?.close()
  removeFolder(folder)
})

function open(): SqliteConnection {
  connection = new SqliteConnection(file)
  return connection
}

function write(to: SqliteConnection, megabytes: number): void {
  to.raw.exec('create table if not exists t (a)')
  const insert = to.prepare('insert into t values (zeroblob(1000000))')
  for (let count = 0; count < megabytes; count++) insert.run()
}

/** In transactions of their own, as the writing thread does it. @returns how many there were */
function giveBackAll(from: SqliteConnection, milliseconds: number): number {
  for (let commands = 1; ; commands++) {
    from.raw.exec('begin immediate; savepoint request')
    const more = giveBackPages.runDirectly(from, milliseconds)
    from.raw.exec('release request; commit')
    if (!more) return commands
  }
}

it('gives free pages back in commands of a limited time, and keeps some for what comes next', () => {
  const db = open()
  write(db, 60)
  db.raw.exec('delete from t where rowid > 10')
  expect(giveBackAll(db, 1)).toBeGreaterThan(3)
  db.raw.exec('pragma wal_checkpoint(truncate)')
  expect(statSync(file).size).toBeLessThan(13 * MB)
  expect(db.prepare('pragma freelist_count').get()!['freelist_count']).toBeGreaterThan(100)
  expect(db.prepare('pragma integrity_check').get()).toEqual({ integrity_check: 'ok' })
})

it('leaves a database alone that cannot shrink', () => {
  const old = new DatabaseSync(file)
  old.exec('create table t (a)')
  old.close()
  const db = open()
  write(db, 5)
  db.raw.exec('delete from t')
  expect(giveBackAll(db, 1)).toBe(1)
  expect(Number(db.prepare('pragma freelist_count').get()!['freelist_count'])).toBeGreaterThan(1_000)
})

it('the log shrinks again after somebody has read for long', () => {
  const db = open()
  write(db, 1)
  const reader = new SqliteConnection(file, { readOnly: true })
  reader.raw.exec('begin; select count(*) from t')
  write(db, 40)
  expect(statSync(`${file}-wal`).size).toBeGreaterThan(40 * MB)
  reader.close()
  write(db, 3)
  expect(statSync(`${file}-wal`).size).toBeLessThan(17 * MB)
})
