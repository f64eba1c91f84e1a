import { describe, expect, it } from 'vitest'
import { deploymentModel, type Input, type Output } from './torture/deployment-model.ts'
import { tortureByKilling } from './torture/kill.ts'
import { isLinearizable, type Operation } from './torture/linearizable.ts'
import { tortureLinearizability } from './torture/linearize.ts'
import { tortureByModels } from './torture/models.ts'
import { tortureByRedeploys } from './torture/redeploys.ts'
import { tortureStreams } from './torture/streams.ts'

// The short sets; `npm run torture -- <name>` has the long ones. Those of the disk are in torture-disk.test.ts.

const timeout = 120_000

it('killed again and again under load, the server loses no answer and repeats no recorded step', { timeout }, async () => {
  const result = await tortureByKilling({ seed: 1, kills: 6, stops: 1, clients: 8 })
  expect(result).toMatchObject({ lost: 0, repeated: 0, excessive: 0, unfinished: 0, disorderly: 0 })
  // It was tortured indeed.
  expect(result.answered).toBeGreaterThan(0)
  expect(result.interrupted).toBeGreaterThan(0)
  expect(result.poison).toBeGreaterThan(1)
})

it('changes of one name are linearizable, also when the server is killed among them', { timeout }, async () => {
  const result = await tortureLinearizability({ seed: 1, histories: 8 })
  expect(result.counterexample).toBeUndefined()
  expect(result.linearizable).toBe(8)
  expect(result.unanswered).toBeGreaterThan(0)
})

it('redeploys under load refuse, lose and move nothing', { timeout }, async () => {
  const result = await tortureByRedeploys({ seed: 1, redeploys: 60 })
  expect(result.broken).toEqual([])
  expect(result.overtaken).toBeGreaterThan(2)
})

it('streams that are cut at random and resumed, also over kills, retries and cancels, are whole', { timeout }, async () => {
  const result = await tortureStreams({ seed: 1, streams: 60, kills: 2 })
  expect(result.example).toBeUndefined()
  expect(result.broken).toBe(0)
  expect(result.kills).toBeGreaterThan(0)
  expect(result.cuts).toBeGreaterThan(20)
  expect(result.retried).toBeGreaterThan(0)
  expect(result.cancelled).toBeGreaterThan(0)
})

it('models that hang, stutter, lie and break off end their own executions only, in time and with a reason', { timeout }, async () => {
  const result = await tortureByModels({ seed: 1, rounds: 1 })
  expect(result.broken).toEqual([])
  // The machine has others to serve as well, so these find an event loop that stood still, and memory without a bound.
  expect(result.besideMs).toBeLessThan(Math.max(1_000, 5 * result.aloneMs))
  expect(result.besideBulkyMs).toBeLessThan(10_000)
  expect(result.rssPeak).toBeLessThan(700)
})

describe('the checker', () => {
  const operation = (input: Input, output: Output | undefined, invokedAt: number, returnedAt: number): Operation<Input, Output> => ({
    input,
    output,
    invokedAt,
    returnedAt,
  })
  const deployed = operation({ kind: 'deploy', variant: 0 }, { status: 200, release: 1 }, 0, 1)

  it('accepts operations that overlap in either order', () => {
    const stop = operation({ kind: 'stop' }, { status: 200, release: 0 }, 2, 5)
    const before = operation({ kind: 'execute' }, { status: 200, release: 1 }, 3, 4)
    const after = operation({ kind: 'execute' }, { status: 404, release: 0 }, 3, 4)
    expect(isLinearizable([deployed, stop, before], deploymentModel)).toBe(true)
    expect(isLinearizable([deployed, stop, after], deploymentModel)).toBe(true)
  })

  it('refuses an execution that began after a stop was answered', () => {
    const stop = operation({ kind: 'stop' }, { status: 200, release: 0 }, 2, 3)
    const late = operation({ kind: 'execute' }, { status: 200, release: 1 }, 4, 5)
    expect(isLinearizable([deployed, stop, late], deploymentModel)).toBe(false)
  })

  it('refuses an answer that was lost', () => {
    const list = operation({ kind: 'list' }, { status: 200, release: 0 }, 2, 3)
    expect(isLinearizable([deployed, list], deploymentModel)).toBe(false)
  })

  it('lets an operation without an answer happen at any time since, or never', () => {
    const unknown = operation({ kind: 'stop' }, undefined, 2, Infinity)
    const runs = operation({ kind: 'execute' }, { status: 200, release: 1 }, 3, 4)
    const refused = operation({ kind: 'execute' }, { status: 404, release: 0 }, 5, 6)
    expect(isLinearizable([deployed, unknown, runs], deploymentModel)).toBe(true)
    expect(isLinearizable([deployed, unknown, runs, refused], deploymentModel)).toBe(true)
    expect(
      isLinearizable([deployed, unknown, refused, operation({ kind: 'execute' }, { status: 200, release: 1 }, 7, 8)], deploymentModel),
    ).toBe(false)
  })
})
