import { expect, it } from 'vitest'
import { readEvents, remainingText, until, type StreamedEvent } from '../support/api.ts'
import { agents, fresh, useStudio } from '../support/studio.ts'

const studio = useStudio()

/** Two turns of the lead and one of an agent it calls, each of which takes a while. */
const team = {
  ...agents(
    { agent_id: 'lead', config: { model: 'demo/assistant', system_prompt: 'You take 1 second.' } },
    { agent_id: 'helper', config: { model: 'demo/assistant', system_prompt: 'You take 1 second.' } },
  ),
  connections: [{ source_agent_id: 'lead', target_agent_id: 'helper' }],
}

const stop = (name: string, body: object) => studio.call('POST', `/api/workflows/deployments/${name}/stop`, body)
const reactivate = (name: string) => studio.call('POST', `/api/workflows/deployments/${name}/reactivate`)
const steps = async (id: string) => (await studio.call('GET', `/api/executions/${id}/steps`)).body
const execution = async (id: string) => (await studio.call('GET', `/api/executions/${id}`)).body

async function startTeam(name: string) {
  await studio.deployed(name, team)
  const response = await studio.stream({ deployment_name: name, query: 'call the tool helper' })
  const ids = Promise.withResolvers<string>()
  const events: StreamedEvent[] = []
  const over = readEvents(response, (event) => {
    ids.resolve(event.data.execution_id)
    events.push(event)
    return false
  }).catch(() => undefined)
  return { execution_id: await ids.promise, events, over }
}

it('cancel ends what is in flight before it is answered', async () => {
  const name = fresh('cancelled')
  await studio.deployed(name, agents({ agent_id: 'slow', config: { model: 'demo/assistant', system_prompt: 'You take 600 seconds.' } }))
  const running = await Promise.all([studio.startLong(name), studio.startLong(name), studio.startLong(name)])
  for (const { execution_id } of running) await until(async () => (await steps(execution_id)).length === 1, 'the step')
  const answer = await stop(name, { mode: 'cancel' })
  expect(answer).toMatchObject({ status: 200, body: { status: 'inactive', in_flight: { queued: 0, running: 0, waiting: 0 } } })
  for (const { execution_id, events } of running) {
    expect(await execution(execution_id)).toMatchObject({ status: 'cancelled', demo: true })
    expect((await events).at(-1)!.data).toMatchObject({ status: 'error', code: 'execution_cancelled' })
    expect(await steps(execution_id)).toMatchObject([{ status: 'cancelled', attempts: [{ error: { code: 'cancelled' } }] }])
  }
  expect((await studio.call('GET', `/api/workflows/deployments/${name}`)).body).toMatchObject({ execution_count: 3, error_count: 0 })
})

it('cancel also ends what an earlier stop left to end by itself', async () => {
  const name = fresh('drained')
  await studio.deployed(name, agents({ agent_id: 'slow', config: { model: 'demo/assistant', system_prompt: 'You take 600 seconds.' } }))
  const { execution_id } = await studio.startLong(name)
  const first = await stop(name, {})
  expect(first.body).toMatchObject({ in_flight: { running: 1 } })
  const second = await stop(name, { mode: 'cancel' })
  expect(second.body).toMatchObject({ in_flight: { running: 0 }, stopped_at: first.body.stopped_at })
  expect(await execution(execution_id)).toMatchObject({ status: 'cancelled' })
})

it('freeze lets the running step end, rests before the next, over a crash as well, and goes on after reactivation', async () => {
  const name = fresh('frozen')
  const { execution_id, events: received, over } = await startTeam(name)
  await until(async () => (await steps(execution_id)).length === 3, 'the step of the helper')
  expect(await stop(name, { mode: 'freeze' })).toMatchObject({ status: 200, body: { status: 'inactive' } })
  await until(async () => (await execution(execution_id)).status === 'waiting', 'the rest')
  const before = await steps(execution_id)
  expect(before.map((step: { step_id: string; status: string }) => [step.step_id, step.status])).toEqual([
    ['lead#1', 'completed'],
    ['lead#1.1', 'completed'],
    ['lead#1.1/helper#1', 'completed'],
  ])
  expect((await studio.call('GET', `/api/workflows/deployments/${name}`)).body).toMatchObject({ in_flight: { waiting: 1 } })

  await studio.crash()
  expect(await execution(execution_id)).toMatchObject({ status: 'waiting', recoveries: 0 })
  expect((await studio.execute({ deployment_name: name, query: 'no' })).status).toBe(404)
  await over

  expect(await reactivate(name)).toMatchObject({ status: 200, body: { status: 'active' } })
  await until(async () => (await execution(execution_id)).status === 'completed', 'the end')
  const after = await steps(execution_id)
  expect(after[0].attempts).toEqual(before[0].attempts)
  const all = await readEvents(await fetch(`${studio.url}/api/executions/${execution_id}/events`))
  expect(all.map(({ id }) => id)).toEqual(all.map((_, index) => index + 1))
  expect(all.slice(0, received.length).map(({ data }) => data)).toEqual(received.map(({ data }) => data))
  expect(remainingText(all)).toBe((await execution(execution_id)).response)
})

it('freeze answers whoever waits once the execution has gone on and ended', async () => {
  const name = fresh('patient')
  await studio.deployed(name, team)
  const answer = studio.execute({ deployment_name: name, query: 'call the tool helper' })
  await until(async () => (await studio.call('GET', `/api/executions?deployment_name=${name}`)).body.length === 1, 'the execution')
  await stop(name, { mode: 'freeze' })
  const [listed] = (await studio.call('GET', `/api/executions?deployment_name=${name}`)).body
  await until(async () => (await execution(listed.execution_id)).status === 'waiting', 'the rest')
  await reactivate(name)
  expect(await answer).toMatchObject({ status: 200, body: { status: 'success', execution_id: listed.execution_id } })
})

it('a frozen execution can be cancelled, and goes on after a redeploy of its name as well', async () => {
  const name = fresh('redeployed')
  const workflow = await studio.workflow(team)
  await studio.deploy(workflow, name)
  const start = () => studio.call('POST', '/api/workflows/execute/async', { deployment_name: name, query: 'call the tool helper' })
  const ids = [(await start()).body.execution_id, (await start()).body.execution_id]
  await stop(name, { mode: 'freeze' })
  for (const id of ids) await until(async () => (await execution(id)).status === 'waiting', 'the rest')
  expect(await studio.call('POST', `/api/executions/${ids[0]}/cancel`)).toMatchObject({ status: 200, body: { status: 'cancelled' } })
  await studio.deploy(workflow, name, { force: true })
  await until(async () => (await execution(ids[1])).status === 'completed', 'the end')
  expect(await execution(ids[1])).toMatchObject({ release: 1 })
  expect(await execution(ids[0])).toMatchObject({ status: 'cancelled' })
})

it('drain lets frozen executions go on and end, and a stop without a mode leaves them', async () => {
  const name = fresh('thawed')
  const { execution_id } = await startTeam(name)
  await stop(name, { mode: 'freeze' })
  await until(async () => (await execution(execution_id)).status === 'waiting', 'the rest')
  expect((await stop(name, {})).body).toMatchObject({ in_flight: { waiting: 1 } })
  expect(await execution(execution_id)).toMatchObject({ status: 'waiting' })
  expect((await stop(name, { mode: 'drain' })).body).toMatchObject({ status: 'inactive' })
  await until(async () => (await execution(execution_id)).status === 'completed', 'the end')
})

it('a mode that there is not is 422, and nothing is stopped', async () => {
  const name = fresh('kept')
  await studio.deployed(name)
  const answer = await stop(name, { mode: 'kill' })
  expect(answer).toMatchObject({ status: 422, body: { errors: [{ pointer: '/mode' }] } })
  expect((await studio.execute({ deployment_name: name, query: 'still?' })).status).toBe(200)
})
