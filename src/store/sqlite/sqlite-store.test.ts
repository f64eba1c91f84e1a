import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { TestEngine } from '../../../test/support/engine.ts'
import { WorkflowNotFound } from '../../errors.ts'
import { newWorkflow } from '../../workflows/new-workflow.ts'
import { defineCommand } from '../store.ts'
import { SqliteConnection } from './connection.ts'
import { SqliteStore } from './sqlite-store.ts'
import { SqliteWriter } from './writer.ts'

let engine: TestEngine
beforeEach(async () => {
  engine = await TestEngine.start()
})
afterEach(() => engine.close())

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

  it('says after a failure of the disk that the outcome is unknown, and writes nothing more', async () => {
    const dying = `import { parentPort } from 'node:worker_threads'
      parentPort.once('message', (requests) => {
        parentPort.postMessage(requests.map(() => ({ error: { code: 'storage_unknown', details: {} }, cause: 'EIO' })))
        parentPort.on('message', (more) => more === 'close' ? parentPort.close() : parentPort.postMessage(more.map(() => ({ ok: 'written' }))))
      })`
    const onFatal = vi.fn<(cause: string) => void>()
    const store = new SqliteStore({
      file: `${engine.folder}/data/agent-studio.db`,
      writerModule: new URL(`data:text/javascript,${encodeURIComponent(dying)}`),
      onFault: () => undefined,
      onFatal,
    })
    const first = store.write(insert, 'a')
    await expect(first).rejects.toMatchObject({ code: 'storage_unknown' })
    await expect(store.write(insert, 'b')).rejects.toMatchObject({ code: 'storage_unknown' })
    expect(onFatal.mock.calls).toEqual([['EIO']])
    await store.close()
  })

  it('finishes what it was handed before it closes, and refuses what comes after', async () => {
    const name = 'last'
    await engine.deploy(name, { agents: [] })
    const writes = Array.from({ length: 20 }, () => engine.admit(name))
    await engine.store.close()
    await expect(Promise.all(writes)).resolves.toHaveLength(20)
    await expect(engine.admit(name)).rejects.toThrow('closed')
    await engine.crash()
    expect(engine.journal.unfinished()).toHaveLength(20)
  })
})
