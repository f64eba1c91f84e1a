import { expect, it } from 'vitest'
import { until } from '../support/api.ts'
import { useScriptedModels } from '../support/scripted-models.ts'
import { agents, echo, fresh, slow, useStudio } from '../support/studio.ts'

const models = useScriptedModels()
const studio = useStudio(models.env)

const place = (name: string) => `/api/workflows/deployments/${name}`
const stop = (name: string, body: object) => studio.call('POST', `${place(name)}/stop`, body)
const reactivate = (name: string) => studio.call('POST', `${place(name)}/reactivate`)
const drain = async (name: string, query = '') => (await studio.call('GET', `${place(name)}/drain${query}`)).body
const execution = async (id: string) => (await studio.call('GET', `/api/executions/${id}`)).body
const isRunning = (id: string) => until(async () => (await execution(id)).status === 'running', 'the execution to run')
const end = (name: string) => stop(name, { mode: 'cancel' })
const none = { queued: 0, running: 0, waiting: 0, frozen: 0 }

async function start(deployment_name: string): Promise<string> {
  const { body } = await studio.call('POST', '/api/workflows/execute/async', { deployment_name, query: 'take 600 seconds' })
  return body.execution_id
}

async function deployedSlow(): Promise<{ name: string; id: string }> {
  const name = fresh('stop')
  await studio.deployed(name, slow)
  const id = await start(name)
  await isRunning(id)
  return { name, id }
}

it('a drain that is not done by its deadline cancels what is left, and says so when it is done', async () => {
  const { name, id } = await deployedSlow()
  expect(await drain(name)).toMatchObject({ status: 'active', mode: null, since: null, done: false, in_flight: { ...none, running: 1 } })
  const stopped = await stop(name, { deadline: 1 })
  expect(stopped.body).toMatchObject({ mode: 'drain', cancelled: 0, in_flight: { running: 1 } })
  expect(Date.parse(stopped.body.deadline) - Date.parse(stopped.body.stopped_at)).toBe(1_000)
  expect(await drain(name)).toMatchObject({
    deployment_name: name,
    environment: 'production',
    status: 'inactive',
    mode: 'drain',
    since: stopped.body.stopped_at,
    deadline: stopped.body.deadline,
    deadline_passed_at: null,
    in_flight: { ...none, running: 1 },
    cancelled: 0,
    done: false,
    done_at: null,
  })
  const done = await drain(name, '?wait=60')
  expect(done).toMatchObject({ mode: 'drain', in_flight: none, cancelled: 1, done: true })
  expect(Date.parse(done.deadline_passed_at)).toBeGreaterThanOrEqual(Date.parse(done.deadline))
  expect(done.done_at).toBe(done.deadline_passed_at)
  expect(await execution(id)).toMatchObject({ status: 'cancelled', ended_at: done.done_at })
  const [entry] = (await studio.call('GET', '/api/audit?action=deployment.deadline&limit=1')).body
  expect(entry).toMatchObject({ actor: { name: 'server' }, object: { name }, after: { mode: 'drain', cancelled: 1 } })
})

it('a drain that is done before its deadline cancels nothing', async () => {
  const held = models.held()
  const name = fresh('stop')
  await studio.deployed(name, agents({ agent_id: 'a', config: { model: held.model } }))
  const id = await start(name)
  await isRunning(id)
  await stop(name, { deadline: 600 })
  const waiting = drain(name, '?wait=60')
  held.answer('in time')
  expect(await waiting).toMatchObject({ done: true, cancelled: 0, in_flight: none, done_at: (await execution(id)).ended_at })
  expect(await execution(id)).toMatchObject({ status: 'completed', response: 'in time' })
})

it('a deadline that comes while no process runs is kept by the next one', async () => {
  const { name, id } = await deployedSlow()
  const { body } = await stop(name, { deadline: 1 })
  await studio.crash()
  expect(await drain(name, '?wait=60')).toMatchObject({ deadline: body.deadline, done: true, cancelled: 1 })
  expect(await execution(id)).toMatchObject({ status: 'cancelled' })
  await studio.crash()
  expect(await drain(name)).toMatchObject({ done: true, cancelled: 1 })
})

it.each([
  ['a reactivation', (name: string) => reactivate(name)],
  ['a deploy', (name: string) => studio.deployed(name, echo)],
  ['a stop without one', (name: string) => stop(name, { mode: 'drain' })],
  ['a stop with a later one, as far away as a year', (name: string) => stop(name, { deadline: 31_536_000 })],
])('%s ends a deadline, over a crash as well', async (_what, change) => {
  const { name, id } = await deployedSlow()
  const { body } = await stop(name, { deadline: 2 })
  await change(name)
  await studio.crash()
  await until(async () => Date.now() > Date.parse(body.deadline) + 500, 'the time of the deadline')
  expect((await execution(id)).status).toBe('running')
  expect(await drain(name)).toMatchObject({ cancelled: 0, deadline_passed_at: null, in_flight: { running: 1 } })
  await end(name)
})

it('a freeze with a deadline keeps what has parked, and cancels what still runs by then', async () => {
  const name = fresh('stop')
  await studio.deployed(name, {
    ...agents({ agent_id: 'a', config: { model: 'demo/echo' } }),
    steps: [{ step_id: 'gate', step_type: 'signal', config: { name: 'go' }, dependencies: ['a'] }],
  })
  const parked = await start(name)
  await until(async () => (await execution(parked)).status === 'waiting', 'the wait for a signal')
  await studio.deployed(name, slow)
  const busy = await start(name)
  await isRunning(busy)
  await stop(name, { mode: 'freeze', deadline: 1 })
  expect(await drain(name)).toMatchObject({ mode: 'freeze', in_flight: { ...none, running: 1, waiting: 1, frozen: 1 }, done: false })
  expect(await drain(name, '?wait=60')).toMatchObject({ in_flight: { ...none, waiting: 1, frozen: 1 }, cancelled: 1, done: true })
  expect(await execution(busy)).toMatchObject({ status: 'cancelled' })
  expect(await execution(parked)).toMatchObject({ status: 'waiting' })
  await reactivate(name)
  await studio.call('POST', `/api/executions/${parked}/signals/go`, {})
  await until(async () => (await execution(parked)).status === 'completed', 'the end of what had parked')
})

it('a drain with a deadline lets go on what was frozen, until then', async () => {
  const name = fresh('stop')
  await studio.deployed(name, {
    ...agents({ agent_id: 'a', config: { model: 'demo/echo' } }),
    steps: [{ step_id: 'gate', step_type: 'signal', config: { name: 'go' }, dependencies: ['a'] }],
  })
  const ids = [await start(name), await start(name)]
  for (const id of ids) await until(async () => (await execution(id)).status === 'waiting', 'the wait for a signal')
  await stop(name, { mode: 'freeze' })
  for (const id of ids) await studio.call('POST', `/api/executions/${id}/signals/${id === ids[0] ? 'go' : 'other'}`, {})
  expect(await drain(name)).toMatchObject({ mode: 'freeze', done: true, done_at: null, in_flight: { ...none, waiting: 2, frozen: 2 } })
  await stop(name, { mode: 'drain', deadline: 3 })
  await until(async () => (await execution(ids[0]!)).status === 'completed', 'the end of one')
  expect(await drain(name)).toMatchObject({ done: false, in_flight: { ...none, waiting: 1 } })
  expect(await drain(name, '?wait=60')).toMatchObject({ done: true, cancelled: 1, in_flight: none })
  expect(await execution(ids[1]!)).toMatchObject({ status: 'cancelled' })
})

it('a failed execution is not resumed once its deployment is stopped, so a drain that is done stays done', async () => {
  const name = fresh('stop')
  const model = models.model(() => ({ status: 400, body: { error: { message: 'no' } } }))
  await studio.deployed(name, agents({ agent_id: 'a', config: { model } }))
  const { body } = await studio.execute({ deployment_name: name, query: 'x' })
  await stop(name, { deadline: 600 })
  expect((await studio.call('POST', `/api/executions/${body.execution_id}/resume`)).body.code).toBe('deployment_inactive')
  expect(await drain(name)).toMatchObject({ done: true, in_flight: none, cancelled: 0 })
})

it('a cancel is done when it is answered, and stays done', async () => {
  const { name } = await deployedSlow()
  expect((await stop(name, { mode: 'cancel' })).body).toMatchObject({ mode: 'cancel', deadline: null, cancelled: 1 })
  expect(await drain(name)).toMatchObject({ mode: 'cancel', done: true, cancelled: 1, in_flight: none })
})

it('executions that come while a deadline passes either are refused or end', async () => {
  const name = fresh('stop')
  await studio.deployed(name, slow)
  const started: string[] = []
  const callers = Array.from({ length: 8 }, async () => {
    for (;;) {
      const { status, body } = await studio.call('POST', '/api/workflows/execute/async', { deployment_name: name, query: 'x' })
      if (status === 404) break
      started.push(body.execution_id)
    }
  })
  await until(async () => started.length > 20, 'some executions')
  await stop(name, { deadline: 1 })
  await Promise.all(callers)
  expect(await drain(name, '?wait=60')).toMatchObject({ done: true, cancelled: started.length, in_flight: none })
  const { body } = await studio.call('GET', place(name))
  expect(body.execution_count).toBe(started.length)
})

it('a delete with a deadline to come takes both along', async () => {
  const { name, id } = await deployedSlow()
  await stop(name, { deadline: 600 })
  expect((await studio.call('DELETE', `${place(name)}x`)).status).toBe(404)
  expect(await drain(name)).toMatchObject({ done: false, in_flight: { running: 1 } })
  expect((await studio.call('DELETE', place(name))).status).toBe(200)
  for (const path of [place(name), `${place(name)}/drain`, `/api/executions/${id}`]) {
    expect((await studio.call('GET', path)).status).toBe(404)
  }
  await studio.deployed(name, slow)
  expect(await drain(name)).toMatchObject({ status: 'active', mode: null, in_flight: none })
})

it.each([
  [{ mode: 'cancel', deadline: 5 }, '/deadline', 'not_allowed'],
  [{ deadline: 0 }, '/deadline', 'out_of_range'],
  [{ deadline: 31_536_001 }, '/deadline', 'out_of_range'],
  [{ deadline: 1.5 }, '/deadline', 'wrong_type'],
  [{ deadline: '60' }, '/deadline', 'wrong_type'],
  [{ mode: 'fade' }, '/mode', 'not_allowed'],
  [{ dead_line: 5 }, '/dead_line', 'unknown_field'],
])('a stop with %j is refused, and nothing is stopped', async (body, pointer, code) => {
  const name = fresh('stop')
  await studio.deployed(name)
  const answer = await stop(name, body)
  expect([answer.status, answer.body.errors]).toEqual([422, [{ pointer, code, message: expect.any(String) }]])
  expect((await drain(name)).status).toBe('active')
})

it.each(['?wait=61', '?wait=-1', '?wait=soon', '?waits=1'])('a look with %s is refused', async (query) => {
  const name = fresh('stop')
  await studio.deployed(name)
  expect((await studio.call('GET', `${place(name)}/drain${query}`)).status).toBe(422)
})
