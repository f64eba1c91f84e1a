import { setTimeout } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { until } from '../support/api.ts'
import { useScriptedModels } from '../support/scripted-models.ts'
import { agents, fresh, useStudio } from '../support/studio.ts'

/** Many clients execute, freeze and reactivate one name. */

const models = useScriptedModels()
const studio = useStudio(() => models.env())

const execute = (name: string) => studio.call('POST', '/api/workflows/execute/async', { deployment_name: name, query: 'q' })
const freeze = (name: string) => studio.call('POST', `/api/workflows/deployments/${name}/stop`, { mode: 'freeze' })
const reactivate = (name: string) => studio.call('POST', `/api/workflows/deployments/${name}/reactivate`)
const deployment = async (name: string) => (await studio.call('GET', `/api/workflows/deployments/${name}`)).body
type Step = { kind: string; attempts: { started_at: string }[] }
const nothing = { queued: 0, running: 0, waiting: 0 }

/** A lead that calls a helper: three model calls, each of which takes a while. @returns how many there were */
async function deployTeam(name: string): Promise<() => number> {
  const helper = models.model(() => setTimeout(30, { text: 'from the helper' }))
  const lead: string = models.model(() => {
    const isAnswered = JSON.stringify(models.requests(lead).at(-1)!.body).includes('from the helper')
    const call = { toolCalls: [{ name: 'helper', arguments: '{"query":"go"}' }] }
    return setTimeout(30, isAnswered ? { text: 'end' } : call)
  })
  await studio.deployed(name, {
    ...agents({ agent_id: 'lead', config: { model: lead } }, { agent_id: 'helper', config: { model: helper } }),
    connections: [{ source_agent_id: 'lead', target_agent_id: 'helper' }],
  })
  return () => models.requests(lead).length + models.requests(helper).length
}

/** Clients that execute until they are told to stop. */
function load(name: string, clients: number) {
  const ids: string[] = []
  const statuses = new Set<number>()
  let isOver = false
  const client = async (): Promise<void> => {
    for (;;) {
      if (isOver) return
      const { status, body } = await execute(name)
      statuses.add(status)
      if (status === 202) ids.push(body.execution_id)
    }
  }
  const all = Promise.all(Array.from({ length: clients }, client))
  const stop = async (): Promise<void> => {
    isOver = true
    await all
  }
  return { ids, statuses, stop }
}

it('nothing begins after a freeze was answered, and everything goes on after it', async () => {
  const name = fresh('frozen')
  const calls = await deployTeam(name)
  const other = fresh('other')
  await studio.deployed(other)
  for (let round = 1; round <= 2; round++) {
    const before = calls()
    const clients = load(name, 8)
    await until(async () => calls() > before + 60, 'executions in every turn')
    await freeze(name)
    const answeredAt = Date.now()
    await clients.stop()
    await until(async () => {
      const { queued, running } = (await deployment(name)).in_flight
      return queued + running === 0
    }, 'the rest of all')

    const rested = calls()
    const found = await Promise.all(clients.ids.map((id) => studio.call('GET', `/api/executions/${id}/steps`)))
    // The step of a call to an agent does nothing by itself: what it calls is frozen.
    const steps = found.flatMap(({ body }) => body as Step[]).filter(({ kind }) => kind === 'model')
    const starts = steps.map(({ attempts }) => Date.parse(attempts[0]!.started_at))
    expect(Math.max(...starts)).toBeLessThanOrEqual(answeredAt)
    expect((await deployment(name)).in_flight.waiting).toBeGreaterThan(0)
    // What had been begun would have come to a model by the end of this one.
    expect(await studio.execute({ deployment_name: other, query: 'later' })).toMatchObject({ status: 200 })
    expect(calls()).toBe(rested)

    await reactivate(name)
    await until(async () => Object.values((await deployment(name)).in_flight).every((count) => count === 0), 'the end of all')
    // Nothing was begun twice.
    expect(calls() - before).toBe(3 * clients.ids.length)
  }
})

it('no execution is lost and none runs twice while clients freeze and reactivate', async () => {
  const name = fresh('wavering')
  const model = models.model(() => ({ text: 'ok' }))
  await studio.deployed(name, agents({ agent_id: 'a', config: { model } }))
  const clients = load(name, 12)
  let isOver = false
  const again = async (change: (name: string) => Promise<unknown>): Promise<void> => {
    for (;;) {
      if (isOver) return
      await change(name)
    }
  }
  const wavering = Promise.all([freeze, freeze, freeze, reactivate, reactivate, reactivate].map(again))
  await until(async () => clients.ids.length >= 150, 'executions')
  isOver = true
  await Promise.all([clients.stop(), wavering])
  // Active or not, it is active now.
  await freeze(name)
  expect(await reactivate(name)).toMatchObject({ status: 200 })
  await until(async () => Object.values((await deployment(name)).in_flight).every((count) => count === 0), 'the end of all')
  expect(await deployment(name)).toMatchObject({ in_flight: nothing, execution_count: clients.ids.length, error_count: 0 })
  expect(models.requests(model)).toHaveLength(clients.ids.length)
  expect([...clients.statuses].filter((status) => status >= 500)).toEqual([])
})
