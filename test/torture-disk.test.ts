import { expect, it } from 'vitest'
import { tortureByBadWrites } from './torture/bad-writes.ts'
import { tortureByFullDisk } from './torture/disk.ts'
import { tortureByFailingDisk } from './torture/failing-disk.ts'
import { tortureWal } from './torture/wal.ts'
import { tortureWrites } from './torture/writes.ts'

// The short sets; `npm run torture -- <name>` has the long ones.

const timeout = 120_000

it(
  'killed right before or right after a durable write, the server keeps what it answered and does nothing by half',
  { timeout },
  async () => {
    const result = await tortureWrites({ seed: 5, every: 45 })
    expect(result.broken).toEqual([])
    expect(result.kills).toBeGreaterThan(3)
    expect(result.startsKilled).toBeGreaterThan(0)
  },
)

it('a write that fails in its middle fails alone, and leaves nothing', { timeout }, async () => {
  const result = await tortureByBadWrites({ seed: 1, rounds: 5 })
  expect(result).toMatchObject({ failed: 10, victims: 0, halves: 0 })
})

it('on a full disk nothing is lost or done twice, and everything goes on when there is room again', { timeout }, async ({ skip }) => {
  const result = await tortureByFullDisk({ seed: 1, rounds: 2 })
  if (result.leftOut) skip(result.leftOut)
  expect(result.broken).toEqual([])
  expect(result.refused).toBeGreaterThan(0)
  expect(result.stalled).toBeGreaterThan(0)
})

it(
  'after an error of the disk the outcome is unknown, the server ends, and the next one goes on from what is there',
  { timeout },
  async () => {
    const result = await tortureByFailingDisk({ seed: 1, rounds: 2 })
    expect(result).toMatchObject({ broken: [], repeated: 0, excessive: 0 })
    expect(result.answered).toBeGreaterThan(0)
  },
)

it('a server starts on a torn log, with a prefix of its history', { timeout }, async () => {
  const result = await tortureWal({ seed: 1, rounds: 5 })
  expect(result.broken).toEqual([])
  expect(result.taken).toBeGreaterThan(0)
})
