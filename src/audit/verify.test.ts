import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TestTrail } from '../../test/support/trail.ts'
import type { AuditEntry } from './entry.ts'
import { hashOf } from './entry.ts'
import { entriesOfLines, startOfLines } from './trail-file.ts'
import { verify } from './verify.ts'

const ENTRIES = 30

let trail: TestTrail
let written: AuditEntry[]
beforeEach(async () => {
  trail = await TestTrail.make()
  await trail.add(
    ...Array.from({ length: ENTRIES }, (_, index) => ({
      at: 1_000 + index,
      object: { id: `${index + 1}`, name: 'A' },
      after: { n: index },
    })),
  )
  written = trail.entries()
})
afterEach(() => trail.close())

const entry = (seq: number): AuditEntry => written[seq - 1]!
const copyInto = (seq: number, from: number): string =>
  `insert into audit select ${seq}, at, actor_key_id, actor_name, actor_address, action, object_type, object_id, object_name, environment, before, after, previous_hash, hash from audit where seq = ${from}`
const moveUp = (from: number): string => `update audit set seq = -seq where seq >= ${from}; update audit set seq = 1 - seq where seq < 0`
const moveDown = (from: number): string => `update audit set seq = seq - 1 where seq >= ${from}`

/** Gives an entry the hash that it would have if it were true. */
function hashAnew(seq: number): void {
  const now = trail.entries().find((one) => one.seq === seq)!
  trail.tamper(`update audit set hash = '${hashOf(now)}' where seq = ${seq}`)
}

it('finds a trail whole that is', async () => {
  const head = { seq: ENTRIES, hash: entry(ENTRIES).hash }
  expect(await trail.verify()).toEqual({ entries: ENTRIES, head })
  expect(await trail.verify({ expected: head })).toEqual({ entries: ENTRIES, head })
  expect(await trail.verify({ expected: { seq: 7, hash: entry(7).hash } })).toEqual({ entries: ENTRIES, head })
})

it('finds an empty trail whole', async () => {
  trail.tamper('delete from audit')
  expect(await trail.verify()).toEqual({ entries: 0, head: { seq: 0, hash: '0'.repeat(64) } })
})

describe('names the first bad entry', () => {
  const columns: [string, string][] = [
    ['at', 'at + 1'],
    ['at', '1e300'],
    ['actor_key_id', "'as_other'"],
    ['actor_name', "'nobody'"],
    ['actor_address', "'10.9.8.7'"],
    ['action', "'agent.create'"],
    ['object_type', "'workflow'"],
    ['object_id', "'other'"],
    ['object_name', 'null'],
    ['environment', "'production'"],
    ['before', 'null'],
    ['before', "'no JSON'"],
    ['after', `'{"n":99}'`],
    ['previous_hash', `'${'a'.repeat(64)}'`],
    ['hash', `'${'a'.repeat(64)}'`],
  ]
  it.each(columns)('whose %s was changed to %s', async (column, value) => {
    trail.tamper(`update audit set ${column} = ${value} where seq = 12`)
    expect(await trail.verify()).toMatchObject({ entries: 11, bad: { seq: 12, reason: 'changed' } })
  })

  it.each([1, ENTRIES])('which is entry %i', async (seq) => {
    trail.tamper(`update audit set actor_name = 'nobody' where seq = ${seq}`)
    expect(await trail.verify()).toMatchObject({ bad: { seq, reason: 'changed' } })
  })

  it('that was changed and given a hash that fits', async () => {
    trail.tamper(`update audit set after = '{"n":99}' where seq = 12`)
    hashAnew(12)
    expect(await trail.verify()).toMatchObject({ entries: 11, bad: { seq: 12, reason: 'changed' } })
  })

  it.each([
    ['one', 'seq = 12', 12],
    ['several', 'seq between 12 and 15', 12],
    ['the first', 'seq = 1', 1],
    ['the first ones', 'seq < 5', 1],
  ])('that is missing: %s', async (_, which, first) => {
    trail.tamper(`delete from audit where ${which}`)
    expect(await trail.verify()).toMatchObject({ entries: first - 1, bad: { seq: first, reason: 'missing' } })
  })

  it('that is missing where those behind it moved up', async () => {
    trail.tamper(`delete from audit where seq = 12; ${moveDown(13)}`)
    expect(await trail.verify()).toMatchObject({ bad: { seq: 12, reason: 'missing' } })
  })

  it('that is missing at the end, if an entry was noted before', async () => {
    const expected = { seq: ENTRIES, hash: entry(ENTRIES).hash }
    trail.tamper('delete from audit where seq > 20')
    expect(await trail.verify()).toMatchObject({ entries: 20, head: { seq: 20 } })
    expect(await trail.verify({ expected })).toMatchObject({ entries: 20, bad: { seq: 21, reason: 'missing' } })
  })

  it('that is not the one that was noted, if all of the trail was made up anew', async () => {
    const expected = { seq: ENTRIES, hash: entry(ENTRIES).hash }
    trail.tamper('delete from audit')
    await trail.add(...Array.from({ length: ENTRIES }, () => ({ at: 5 })))
    expect((await trail.verify()).bad).toBeUndefined()
    expect(await trail.verify({ expected })).toMatchObject({ bad: { seq: ENTRIES, reason: 'changed' } })
  })

  it('that was inserted between two others', async () => {
    trail.tamper(`${moveUp(12)}; ${copyInto(12, 3)}`)
    expect(await trail.verify()).toMatchObject({ entries: 11, bad: { seq: 12, reason: 'inserted' } })
  })

  it('that was inserted and follows the one before it', async () => {
    trail.tamper(`${moveUp(12)}; ${copyInto(12, 3)}; update audit set previous_hash = '${entry(11).hash}' where seq = 12`)
    hashAnew(12)
    expect(await trail.verify()).toMatchObject({ bad: { seq: 12, reason: 'inserted' } })
  })

  it('that was inserted with a hash that fits it alone', async () => {
    trail.tamper(`${moveUp(12)}; ${copyInto(12, 3)}`)
    hashAnew(12)
    expect(await trail.verify()).toMatchObject({ bad: { seq: 12, reason: 'inserted' } })
  })

  it.each([0, -5])('that was put before the first, as entry %i', async (seq) => {
    trail.tamper(copyInto(seq, 3))
    expect(await trail.verify()).toMatchObject({ entries: 0, bad: { seq, reason: 'reordered' } })
  })

  it.each([
    [12, 13],
    [12, 25],
    [1, 2],
    [ENTRIES - 1, ENTRIES],
  ])('when %i and %i have changed their places', async (one, other) => {
    trail.tamper(
      `update audit set seq = -1 where seq = ${one}; update audit set seq = ${one} where seq = ${other}; update audit set seq = ${other} where seq = -1`,
    )
    expect(await trail.verify()).toMatchObject({ entries: one - 1, bad: { seq: one, reason: 'reordered' } })
  })

  it('alone, however many others are bad', async () => {
    trail.tamper("update audit set actor_name = 'nobody' where seq > 17")
    expect(await trail.verify()).toMatchObject({ entries: 17, bad: { seq: 18, reason: 'changed' } })
  })

  it('behind a gap as wide as numbers are', async () => {
    trail.tamper(`update audit set seq = ${Number.MAX_SAFE_INTEGER} where seq = ${ENTRIES}`)
    expect(await trail.verify()).toMatchObject({ entries: ENTRIES - 1, bad: { seq: ENTRIES, reason: 'missing' } })
  })
})

describe('an export', () => {
  const check = async (lines: AuditEntry[]) => {
    const file = join(trail.folder, 'trail.jsonl')
    writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    return verify(entriesOfLines(file), { start: await startOfLines(file) })
  }

  it('is as whole as the trail', async () => {
    expect(await check(written)).toEqual({ entries: ENTRIES, head: { seq: ENTRIES, hash: entry(ENTRIES).hash } })
    expect(await check([])).toMatchObject({ entries: 0 })
  })

  it('may begin later', async () => {
    expect(await check(written.slice(10))).toMatchObject({ entries: ENTRIES - 10, head: { seq: ENTRIES } })
  })

  it('shows what was done to it', async () => {
    expect(await check(written.filter(({ seq }) => seq !== 4))).toMatchObject({ bad: { seq: 4, reason: 'missing' } })
    expect(await check(written.with(4, { ...entry(5), action: 'key.create' }))).toMatchObject({ bad: { seq: 5, reason: 'changed' } })
    expect(await check(written.with(4, entry(4)))).toMatchObject({ bad: { seq: 4, reason: 'reordered' } })
    expect(await check(written.with(4, { ...entry(5), more: 1 } as AuditEntry))).toMatchObject({ bad: { seq: 5, reason: 'changed' } })
  })
})
