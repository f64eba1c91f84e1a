import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { TestEngine } from '../../../test/support/engine.ts'
import type { JournalEntry } from '../../engine/journal.ts'
import { WorkflowNotFound } from '../../errors.ts'
import { newWorkflow } from '../../workflows/new-workflow.ts'
import { createWorkflow } from '../../workflows/repository.ts'
import { defineCommand } from '../store.ts'
import type { WriteMeter } from '../write-meter.ts'
import { SqliteConnection } from './connection.ts'
import { openDatabaseFile } from './database-file.ts'
import { SqliteStore } from './sqlite-store.ts'
import { SqliteWriter } from './writer.ts'

let engine: TestEngine
beforeEach(async () => {
  engine = await TestEngine.start()
})
afterEach(() => engine.close())

const megabytes = { query: 'x'.repeat(4_000_000), chat_history: [] }

function endOf(execution_id: string): JournalEntry {
  const tokens = { input: 0, output: 0, total: 0 }
  const response = megabytes.query
  return {
    execution_id,
    steps: [],
    events: null,
    end: { status: 'completed', at: 1, response, error: null, tokens, demo: false, last_event_id: 2 },
  }
}

/** Commands that go wrong in every way, run by a writer of their own on this thread. */
const insert = defineCommand('test.insert', async (db, name: string) => {
  await db
    .insertInto('workflows')
    .values(newWorkflow({ name, configuration: {} }, name, 1))
    .execute()
  return name
})
const insertAndThrow = defineCommand('test.throw', async (db, name: string) => {
  await db
    .insertInto('workflows')
    .values(newWorkflow({ name, configuration: {} }, name, 1))
    .execute()
  throw new WorkflowNotFound({ workflow_id: name })
})
const insertAndFail = defineCommand('test.fail', async (db, name: string) => {
  await db
    .insertInto('workflows')
    .values(newWorkflow({ name, configuration: {} }, name, 1))
    .execute()
  await db
    .insertInto('workflows')
    .values(newWorkflow({ name, configuration: {} }, name, 1))
    .execute()
})
describe('a group of writes', () => {
  let connection: SqliteConnection
  let writer: SqliteWriter
  beforeEach(() => {
    connection = new SqliteConnection(`${engine.folder}/data/agent-studio.db`)
    writer = new SqliteWriter(connection, [insert, insertAndThrow, insertAndFail])
  })
  afterEach(() => connection.close())
  const names = async () =>
    (await engine.store.read.selectFrom('workflows').select('name').orderBy('name').execute()).map(({ name }) => name)

  it('is committed together, but for those that failed by themselves', async () => {
    const replies = await writer.commit([
      { name: 'test.insert', args: 'a' },
      { name: 'test.throw', args: 'b' },
      { name: 'test.fail', args: 'c' },
      { name: 'test.nobody', args: 'd' },
      { name: 'test.insert', args: 'e' },
    ])
    expect(replies).toMatchObject([
      { ok: 'a' },
      { error: { code: 'workflow_not_found', details: { workflow_id: 'b' } } },
      { error: { code: 'internal_error' }, cause: expect.stringContaining('UNIQUE') },
      { error: { code: 'internal_error' } },
      { ok: 'e' },
    ])
    expect(await names()).toEqual(['a', 'e'])
    expect(connection.raw.isTransaction).toBe(false)
  })

  it('is run once when those that fail had changed nothing, and again when one had', async () => {
    const runs: string[] = []
    const counted = defineCommand('test.counted', async (db, name: string, actor) => {
      runs.push(name)
      return insert.run(db, name, actor)
    })
    const counting = new SqliteWriter(connection, [counted, insertAndThrow])
    await counting.commit([
      { name: 'test.counted', args: 'a' },
      { name: 'test.nobody', args: '' },
    ])
    expect(runs).toEqual(['a'])
    await counting.commit([
      { name: 'test.counted', args: 'b' },
      { name: 'test.throw', args: 'c' },
    ])
    expect(runs).toEqual(['a', 'b', 'b'])
    expect(await names()).toEqual(['a', 'b'])
  })

  it('that fails as a whole leaves no trace, and the next one works', async () => {
    connection.raw.exec('pragma max_page_count = 1')
    connection.raw.exec(`pragma max_page_count = ${Number(connection.raw.prepare('pragma page_count').get()!['page_count'])}`)
    const big = 'x'.repeat(100_000)
    const replies = await writer.commit([
      { name: 'test.insert', args: 'a' },
      { name: 'test.insert', args: big },
      { name: 'test.insert', args: 'c' },
    ])
    expect(replies.map((reply) => 'error' in reply && reply.error.code)).toEqual(['storage_full', 'storage_full', 'storage_full'])
    expect(await names()).toEqual([])
    connection.raw.exec('pragma max_page_count = 1000000')
    expect(await writer.commit([{ name: 'test.insert', args: 'a' }])).toEqual([{ ok: 'a' }])
    expect(await names()).toEqual(['a'])
  })

  describe('while another program holds the database', () => {
    let other: SqliteConnection
    beforeEach(() => {
      connection.raw.exec('pragma busy_timeout = 20')
      other = new SqliteConnection(`${engine.folder}/data/agent-studio.db`)
      other.raw.exec('begin immediate')
    })
    afterEach(() => other.close())

    it('waits for it, longer than the connection does by itself', async () => {
      const prepare = connection.prepare.bind(connection)
      let tries = 0
      vi.spyOn(connection, 'prepare').mockImplementation((sql) => {
        if (sql === 'begin immediate' && ++tries === 3) other.raw.exec('rollback')
        return prepare(sql)
      })
      const replies = await writer.commit([
        { name: 'test.insert', args: 'a' },
        { name: 'test.insert', args: 'b' },
      ])
      expect(replies).toEqual([{ ok: 'a' }, { ok: 'b' }])
      expect(tries).toBe(3)
      expect(await names()).toEqual(['a', 'b'])
    })

    it('fails in the end without a trace, and the next one works', async () => {
      const replies = await writer.commit([{ name: 'test.insert', args: 'a' }])
      expect(replies).toMatchObject([{ error: { code: 'internal_error' }, cause: expect.stringContaining('locked') }])
      other.raw.exec('rollback')
      expect(await writer.commit([{ name: 'test.insert', args: 'b' }])).toEqual([{ ok: 'b' }])
      expect(await names()).toEqual(['b'])
    })
  })
})

describe('the store', () => {
  it('answers a write when it is on disk: another connection sees it', async () => {
    await engine.deploy('seen', { agents: [] })
    const other = new SqliteConnection(`${engine.folder}/data/agent-studio.db`, { readOnly: true })
    expect(other.prepare('select name from deployments').all()).toMatchObject([{ name: 'seen' }])
    expect(other.prepare('pragma synchronous').get()).toMatchObject({ synchronous: 2 })
    expect(other.prepare('pragma journal_mode').get()).toMatchObject({ journal_mode: 'wal' })
    other.close()
  })

  it('does not take undefined for null in a query', async () => {
    const query = engine.store.read
      .selectFrom('workflows')
      .select('name')
      .where('name', '=', undefined as never)
    await expect(query.execute()).rejects.toThrow('undefined')
  })

  it('takes a writing thread that was started before there was a database', async () => {
    const writer = new Worker(new URL('../../writer.ts', import.meta.url))
    await once(writer, 'online')
    const folder = `${engine.folder}/later`
    const { file, release } = await openDatabaseFile(folder)
    const store = new SqliteStore({ file, writer, onFault: expect.fail, onFatal: expect.fail })
    const row = newWorkflow({ name: 'a', configuration: {} }, 'a', 1)
    await store.write(createWorkflow, row)
    expect(await store.read.selectFrom('workflows').select('name').execute()).toEqual([{ name: 'a' }])
    await store.close()
    release()
    // The thread has let go of the file, and left no log.
    expect(readdirSync(folder).filter((name) => name.startsWith('agent-studio.db'))).toEqual(['agent-studio.db'])
  })

  it('opens a database that is there without writing to it', async () => {
    const folder = `${engine.folder}/idle`
    const { file, release } = await openDatabaseFile(folder)
    const connection = new SqliteConnection(file)
    // The log holds what was written since the file was opened.
    expect(existsSync(`${file}-wal`) ? statSync(`${file}-wal`).size : 0).toBe(0)
    connection.close()
    release()
  })

  it('does not take a log that was left alone for that of a new database', async () => {
    await engine.deploy('of another', { agents: [] })
    const folder = `${engine.folder}/left`
    mkdirSync(folder)
    cpSync(`${engine.folder}/data/agent-studio.db-wal`, `${folder}/agent-studio.db-wal`)
    const { file, release } = await openDatabaseFile(folder)
    const connection = new SqliteConnection(file)
    expect(connection.prepare('select name from deployments').all()).toEqual([])
    connection.close()
    release()
  })

  it('says after a failure of the disk that the outcome is unknown, and writes nothing more', async () => {
    const dying = `import { parentPort } from 'node:worker_threads'
      parentPort.once('message', () => parentPort.once('message', (requests) => {
        const reply = (requests, one) => parentPort.postMessage({ replies: requests.map(() => one), durationMs: 1 })
        reply(requests, { error: { code: 'storage_unknown', details: {} }, cause: 'EIO' })
        parentPort.on('message', (more) => more === 'close' ? parentPort.close() : reply(more, { ok: 'written' }))
      }))`
    const onFatal = vi.fn<(cause: string) => void>()
    const store = new SqliteStore({
      file: `${engine.folder}/data/agent-studio.db`,
      writer: new URL(`data:text/javascript,${encodeURIComponent(dying)}`),
      onFault: () => undefined,
      onFatal,
    })
    const first = store.write(insert, 'a')
    await expect(first).rejects.toMatchObject({ code: 'storage_unknown' })
    await expect(store.write(insert, 'b')).rejects.toMatchObject({ code: 'storage_unknown' })
    expect(onFatal.mock.calls).toEqual([['EIO']])
    await store.close()
  })

  it('says how long each write waited and each commit took, how many are pending, and when the disk is full', async () => {
    const meter = { committed: vi.fn<WriteMeter['committed']>(), waited: vi.fn<WriteMeter['waited']>() }
    const onFull = vi.fn<() => void>()
    const slow = `import { parentPort } from 'node:worker_threads'
      const full = { error: { code: 'storage_full', details: {} }, cause: 'full' }
      parentPort.on('message', (requests) => {
        if (!Array.isArray(requests)) return requests === 'close' && parentPort.close()
        setTimeout(() => parentPort.postMessage({ replies: requests.map(({ args }) => (args === 'full' ? full : { ok: args })), durationMs: 40 }), 60)
      })`
    const store = new SqliteStore({
      file: `${engine.folder}/data/agent-studio.db`,
      writer: new URL(`data:text/javascript,${encodeURIComponent(slow)}`),
      onFault: () => undefined,
      onFatal: () => undefined,
      onFull,
      meter,
    })
    const writes = Promise.all([store.write(insert, 'a'), store.write(insert, 'b')])
    expect(store.pendingWrites).toBe(2)
    await writes
    expect([store.pendingWrites, onFull.mock.calls.length]).toEqual([0, 0])
    await expect(store.write(insert, 'full')).rejects.toMatchObject({ code: 'storage_full' })
    expect(onFull).toHaveBeenCalledTimes(1)
    expect(meter.committed.mock.calls).toEqual([
      [2, 0.04],
      [1, 0.04],
    ])
    // All of the time until the reply but what the commit took.
    expect(meter.waited).toHaveBeenCalledTimes(3)
    for (const [seconds] of meter.waited.mock.calls) expect(seconds).toBeGreaterThan(0.015)
    await store.close()
  })

  it('finishes what it was handed before it closes, and refuses what comes after', async () => {
    const name = 'last'
    await engine.deploy(name, { agents: [] })
    const large = await Promise.all([engine.admit(name, { request: megabytes }), engine.admit(name, { request: megabytes })])
    const writes = Array.from({ length: 20 }, () => engine.admit(name))
    const ends = large.map(({ execution_id }) => engine.journal.append(endOf(execution_id), { onWait: () => undefined }))
    await engine.store.close()
    await expect(Promise.all(writes)).resolves.toHaveLength(20)
    await expect(Promise.all(ends)).resolves.toEqual([true, true])
    await expect(engine.admit(name)).rejects.toThrow('closed')
    await engine.crash()
    expect(engine.journal.unfinished()).toHaveLength(20)
  })

  it('commits what is small before and between what is large', async () => {
    await engine.deploy('beside', { agents: [] })
    const order: string[] = []
    const note = (what: string) => () => void order.push(what)
    const large = Array.from({ length: 8 }, (_, index) => engine.admit('beside', { request: megabytes }).then(note(`large ${index}`)))
    await Promise.all([...large, engine.admit('beside').then(note('small'))])
    // In one group with them, or behind them, it would be the last.
    expect(order.indexOf('small')).toBeLessThan(8)
    expect(order.filter((what) => what !== 'small')).toEqual(large.map((_, index) => `large ${index}`))
  })
})
