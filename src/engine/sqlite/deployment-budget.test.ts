import { afterEach, beforeEach, expect, it } from 'vitest'
import { agents, TestEngine } from '../../../test/support/engine.ts'
import { systemClock } from '../../clock.ts'
import { DAY_MS, dayOf } from '../budget.ts'

let engine: TestEngine
let now: number
beforeEach(async () => {
  engine = await TestEngine.start()
  now = Date.parse('2026-03-01T23:59:30Z')
  engine.clock = { ...systemClock, now: () => now }
  await engine.crash()
})
afterEach(() => engine.close())

// Each call of the model uses three tokens.
const budget = { per_day: { tokens: 6, on_exceeded: 'refuse' as const } }
const deploy = () => engine.deploy('d', agents({ id: 'a' }), { budget })
const rows = () => engine.store.read.selectFrom('deployment_usage').selectAll().orderBy('day').execute()

it('a day ends at midnight in UTC, by the clock of the server', async () => {
  const deployment_id = await deploy()
  const today = dayOf(now)
  await engine.run('d')
  await engine.run('d')
  await expect(engine.run('d')).rejects.toMatchObject({ code: 'deployment_budget_used', retryAfter: 30, reached: { reset: 30 } })
  now += 29_999
  await expect(engine.run('d')).rejects.toMatchObject({ retryAfter: 1 })
  now += 1
  await engine.run('d')
  expect(await rows()).toEqual([
    { deployment_id, day: today, tokens: 6, cost: 0 },
    { deployment_id, day: today + 1, tokens: 3, cost: 0 },
  ])
  // A clock that is set back finds the day as it was.
  now -= 60_000
  await expect(engine.run('d')).rejects.toMatchObject({ code: 'deployment_budget_used' })
})

it('what an execution uses after midnight is of the next day', async () => {
  const deployment_id = await deploy()
  const gate = Promise.withResolvers<void>()
  engine.models.replies = [() => gate.promise.then(() => ({ text: 'late' }))]
  const running = engine.run('d')
  await expect.poll(() => engine.models.requests.length).toBe(1)
  now += 60_000
  gate.resolve()
  await running
  expect(await rows()).toEqual([{ deployment_id, day: dayOf(now), tokens: 3, cost: 0 }])
})

it('the days of a month are kept', async () => {
  await deploy()
  for (let day = 0; day < 40; day += 8) {
    await engine.run('d')
    now += 8 * DAY_MS
  }
  expect(await rows()).toHaveLength(4)
})

it('what overlaps is counted in full, and exceeds the budget by no more than what is under way', async () => {
  const deployment_id = await deploy()
  const gate = Promise.withResolvers<void>()
  engine.models.replies = [() => gate.promise.then(() => ({ text: 'yes' }))]
  const running = Array.from({ length: 10 }, () => engine.run('d'))
  await expect.poll(() => engine.models.requests.length).toBe(10)
  gate.resolve()
  await Promise.all(running)
  expect(await rows()).toMatchObject([{ deployment_id, tokens: 30 }])
  await expect(engine.run('d')).rejects.toMatchObject({ code: 'deployment_budget_used' })
})

it('a deployment without a budget for the day is not counted', async () => {
  await engine.deploy('d', agents({ id: 'a' }), { budget: { per_execution: { tokens: 100, on_exceeded: 'stop' } } })
  await engine.run('d')
  expect(await rows()).toEqual([])
})
