import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { countInFlightOfStop } from '../src/deployments/stop-repository.ts'
import { hasRoom } from '../src/engine/sqlite/deployment-limits.ts'
import { tallyWebhooks } from '../src/webhooks/repository.ts'
import { TestEngine } from './support/engine.ts'

/** What is counted while others wait for it is counted from an index: a hundred thousand rows would take most of a second. */

let engine: TestEngine
beforeAll(async () => void (engine = await TestEngine.start()))
afterAll(() => engine.close())

/** How SQLite finds what these queries ask for. */
async function plansOf(ask: () => unknown): Promise<string[]> {
  const { reader } = engine.store
  const prepare = vi.spyOn(reader, 'prepare')
  await ask()
  const queries = prepare.mock.calls.map(([sql]) => sql)
  prepare.mockRestore()
  return queries.flatMap((sql) =>
    reader.raw
      .prepare(`explain query plan ${sql}`)
      .all(...(sql.match(/\?/g) ?? []).map(() => 'x'))
      .map((row) => String(row['detail'])),
  )
}

const deployment = { deployment_id: 'd', deployment_name: 'd', environment: 'production' }

it.each([
  ['how far a stop has come', () => countInFlightOfStop(engine.store.read, 'd'), 2],
  ['the webhooks of a deployment', () => tallyWebhooks(engine.store.read, 'd'), 2],
  [
    'what a full queue holds',
    () => expect(() => hasRoom(engine.store.reader, deployment, { limit: 0, queue: 0 })).toThrow('all these places are taken'),
    2,
  ],
])('counts %s from indexes alone', async (_what, ask, counts) => {
  const plans = await plansOf(ask)
  const looks = plans.filter((plan) => /(?:SEARCH|SCAN) (?:executions|failure_webhooks)/.test(plan))
  expect(looks).toHaveLength(counts)
  expect(looks.filter((plan) => !/^SEARCH \w+ USING COVERING INDEX/.test(plan))).toEqual([])
})
