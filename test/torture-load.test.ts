import { expect, it } from 'vitest'
import { tortureByFloods } from './torture/floods.ts'
import { tortureByFuzzing } from './torture/fuzz.ts'
import { tortureByOverload } from './torture/overload.ts'

// The short sets; `npm run torture -- <name>` has the long ones. The machine has others to serve as well, so the bounds here
// find a server that stands still, breaks down or grows without a bound, not one that is somewhat slower.

const timeout = 120_000

it('whatever is sent gets a proper answer that is no 500, and nobody else has to wait for long', { timeout }, async () => {
  const result = await tortureByFuzzing({ seed: 1, requests: 4_000 })
  expect(result.broken).toEqual([])
  // It was tortured indeed.
  expect(result.succeeded).toBeGreaterThan(result.operations / 2)
  for (const status of ['200', '400', '404', '405', '422']) expect(result.outcomes[status]).toBeGreaterThan(20)
  expect(result.honest.answered).toBeGreaterThan(0)
  expect(result.honest.max).toBeLessThan(5_000)
  expect(result.rssPeak).toBeLessThan(700)
})

it('who sends slowly, halfway or nonsense keeps nobody waiting', { timeout }, async () => {
  const kinds = ['slow heads', 'slow bodies', 'unfinished large bodies', 'crumbs', 'unread answers'] as const
  const { broken, floods } = await tortureByFloods({ seconds: 1, kinds, share: 0.25 })
  expect(broken).toEqual([])
  expect(floods.map(({ kind }) => kind)).toEqual(kinds)
  for (const { kind, connections, made, honest, slowdown, rssPeak } of floods) {
    expect([kind, made >= connections, honest.answered > 20]).toEqual([kind, true, true])
    expect([kind, slowdown < 10 || honest.p99 < 500]).toEqual([kind, true])
    expect(rssPeak).toBeLessThan(900)
  }
})

it('asked for twice of what it can do, the server does as much as ever and refuses the rest', { timeout }, async () => {
  const result = await tortureByOverload({ seconds: 6 })
  expect(result.broken).toEqual([])
  expect(result.refused.count).toBeGreaterThan(0)
  expect(result.refused.p50).toBeLessThan(1_000)
  expect(result.accepted.p50).toBeLessThan(3_000)
  expect(result.kept).toBeGreaterThan(0.4)
  expect(result.rssPeak).toBeLessThan(900)
})
