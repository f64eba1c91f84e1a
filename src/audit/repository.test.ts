import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { addEntry, change, TestTrail } from '../../test/support/trail.ts'
import { WorkflowNotFound } from '../errors.ts'
import { defineCommand } from '../store/store.ts'
import { theServer } from '../store/origin.ts'
import type { Change } from './repository.ts'

const addAndThrow = defineCommand('test.addAndThrow', async (db, entry: Change, actor) => {
  await addEntry.run(db, entry, actor)
  throw new WorkflowNotFound({ workflow_id: 'x' })
})
const addTwo = defineCommand('test.addTwo', async (db, entry: Change, actor) => {
  await addEntry.run(db, entry, actor)
  await addEntry.run(db, entry, actor)
})

let trail: TestTrail
beforeEach(async () => {
  trail = await TestTrail.make([addAndThrow, addTwo])
})
afterEach(() => trail.close())

const add = (at: number) => ({ name: 'test.add', args: change({ at }) })
const times = (): string[] => trail.entries().map(({ at }) => at)
const time = (ms: number): string => new Date(ms).toISOString()

describe('an entry', () => {
  it('says who did what to what, when, from where, and how that changed', async () => {
    const actor = { key_id: 'as_1', name: 'CI', address: '10.0.0.7' }
    const object = { id: '7', name: 'hello', environment: 'production' }
    const args = change({ at: 5, action: 'deployment.stop', object, before: { status: 'active' }, after: { status: 'inactive' } })
    await trail.commit([{ name: 'test.add', args }], actor)
    expect(trail.entries()).toEqual([
      {
        seq: 1,
        at: '1970-01-01T00:00:00.005Z',
        actor,
        action: 'deployment.stop',
        object: { type: 'deployment', ...object },
        before: { status: 'active' },
        after: { status: 'inactive' },
        previous_hash: '0'.repeat(64),
        hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    ])
  })

  it('is the server’s own where nobody asked for it', async () => {
    await trail.writer.commit([add(1)])
    expect(trail.entries()[0]!.actor).toEqual(theServer)
  })

  it('has the hash of everything in it, with the hash of the entry before, in the form of RFC 8785', async () => {
    await trail.add({ at: 1 }, { at: 2, object: { id: '\u0000', name: 'é\u{1F600}"\\', environment: null }, before: null })
    const [first, second] = trail.entries()
    expect(second!.previous_hash).toBe(first!.hash)
    for (const { hash, ...rest } of [first!, second!]) expect(hash).toBe(createHash('sha256').update(canonicalize(rest)!).digest('hex'))
    expect(await trail.verify()).toEqual({ entries: 2, head: { seq: 2, hash: second!.hash } })
  })

  it('cannot be changed, deleted, replaced or put in between by mistake', async () => {
    await trail.add({}, {}, {})
    const before = trail.entries()
    const attempts: [string, RegExp][] = [
      ["update audit set actor_name = 'nobody' where seq = 2", /never changed/],
      ['delete from audit where seq = 2', /never deleted/],
      ['delete from audit', /never deleted/],
      ['insert or replace into audit select * from audit where seq = 2', /after the last one/],
      [
        'insert into audit select 5, at, actor_key_id, actor_name, actor_address, action, object_type, object_id, object_name, environment, before, after, previous_hash, hash from audit where seq = 2',
        /after the last one/,
      ],
    ]
    for (const [sql, refusal] of attempts) expect(() => trail.connection.raw.exec(sql)).toThrow(refusal)
    expect(trail.entries()).toEqual(before)
  })
})

describe('the chain', () => {
  it('goes on over groups of writes, with several entries of one change', async () => {
    await trail.commit([add(1), { name: 'test.addTwo', args: change({ at: 2 }) }, add(3)])
    await trail.commit([add(4)])
    expect(times()).toEqual([1, 2, 2, 3, 4].map(time))
    expect(await trail.verify()).toMatchObject({ entries: 5 })
  })

  it('has no entry of a change that was refused, and those of the same group follow each other', async () => {
    const fail = { name: 'test.addAndThrow', args: change({ at: 9 }) }
    const replies = await trail.commit([add(1), fail, add(2), fail, fail, add(3)])
    expect(replies.map((reply) => 'ok' in reply)).toEqual([true, false, true, false, false, true])
    expect(times()).toEqual([1, 2, 3].map(time))
    expect(await trail.verify()).toMatchObject({ entries: 3 })
    await trail.commit([fail])
    await trail.commit([add(4)])
    expect(times()).toEqual([1, 2, 3, 4].map(time))
    expect(await trail.verify()).toMatchObject({ entries: 4 })
  })

  it('is as it was after a group that failed as a whole', async () => {
    await trail.add({ at: 1 })
    trail.connection.raw.exec('pragma max_page_count = 1')
    const pages = Number(trail.connection.raw.prepare('pragma page_count').get()!['page_count'])
    trail.connection.raw.exec(`pragma max_page_count = ${pages}`)
    const large = { name: 'test.add', args: change({ at: 3, object: { id: 'x'.repeat(200_000) } }) }
    const replies = await trail.commit([add(2), large, add(4)])
    expect(replies.map((reply) => 'error' in reply && reply.error.code)).toEqual(['storage_full', 'storage_full', 'storage_full'])
    trail.connection.raw.exec('pragma max_page_count = 1000000')
    await trail.commit([add(5)])
    expect(times()).toEqual([1, 5].map(time))
    expect(await trail.verify()).toMatchObject({ entries: 2 })
  })
})
