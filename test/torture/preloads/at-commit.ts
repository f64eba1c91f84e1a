// Loaded into a server with --import, and so into its writing thread: at the commit that the orders name, the process is
// killed or the disk fails. Orders are a file, since a signal does not reach a thread; they are obeyed once.
import { appendFileSync, readFileSync, rmSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { UNSAFE, writeOrder, type CommitOrder } from '../commit-orders.ts'

const file = process.env['TORTURE_ORDERS']!

/** Counts a commit, in the file itself: the threads of a server share it. @returns what is to happen at it */
function due(): CommitOrder['what'] | undefined {
  const order = readOrder()
  if (!order) return undefined
  if (order.commit > 1) {
    writeOrder(file, { ...order, commit: order.commit - 1 })
    return undefined
  }
  rmSync(file)
  return order.what
}

function readOrder(): CommitOrder | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as CommitOrder
  } catch {
    return undefined
  }
}

/** A kill does not show whether a commit would survive a power cut as well; how it is made does. */
function noteUnsafe(database: DatabaseSync): void {
  const { journal_mode } = prepare.call(database, 'pragma journal_mode').get()!
  const { synchronous } = prepare.call(database, 'pragma synchronous').get()!
  // Where there is no log, a file is being made, which is flushed as a whole before it takes its name.
  if (journal_mode === 'wal' && synchronous !== 2) appendFileSync(file + UNSAFE, `synchronous = ${String(synchronous)}\n`)
}

function commit<Result>(database: DatabaseSync, run: () => Result): Result {
  noteUnsafe(database)
  const what = due()
  if (what === 'kill before') die()
  if (what === 'fail before') {
    database.exec('rollback')
    fail()
  }
  const result = run()
  if (what === 'kill after') die()
  if (what === 'fail after') fail()
  return result
}

function die(): never {
  process.kill(process.pid, 'SIGKILL')
  // The rest of the process is dying; this thread must not do anything more.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}

/** As SQLite says it when `fsync` fails. The frames may be whole in the log all the same. */
function fail(): never {
  throw Object.assign(new Error('disk I/O error'), { code: 'ERR_SQLITE_ERROR', errcode: 1034, errstr: 'disk I/O error' })
}

const { prepare, exec } = DatabaseSync.prototype
DatabaseSync.prototype.prepare = function (this: DatabaseSync, sql, ...rest): StatementSync {
  const statement = prepare.call(this, sql, ...rest)
  if (!/^\s*commit\b/i.test(sql)) return statement
  const run = statement.run.bind(statement)
  statement.run = (...parameters: []) => commit(this, () => run(...parameters))
  return statement
}
DatabaseSync.prototype.exec = function (this: DatabaseSync, sql): void {
  if (!/^\s*commit\b/i.test(sql)) return exec.call(this, sql)
  commit(this, () => exec.call(this, sql))
}
