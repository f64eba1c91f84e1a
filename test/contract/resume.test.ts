import { expect, it } from 'vitest'
import { readEvents, remainingText, until } from '../support/api.ts'
import { useScriptedModels } from '../support/scripted-models.ts'
import { agents, fresh, useStudio } from '../support/studio.ts'

const models = useScriptedModels()
const studio = useStudio(models.env)

const resume = (id: string) => studio.call('POST', `/api/executions/${id}/resume`)
const execution = async (id: string) => (await studio.call('GET', `/api/executions/${id}`)).body
const ended = (id: string) => until(async () => (await execution(id)).ended_at !== null, 'the end')
const deployment = async (name: string) => (await studio.call('GET', `/api/workflows/deployments/${name}`)).body

/** An execution whose first call of the model is refused, and whose later ones succeed. */
async function failedOnce() {
  const name = fresh('resumed')
  const model = models.model((request) => (request === 1 ? { status: 401, body: { error: { message: 'no' } } } : { text: 'at last' }))
  await studio.deployed(name, agents({ agent_id: 'a', config: { model } }))
  const failed = await studio.execute({ deployment_name: name, query: 'try' })
  expect(failed).toMatchObject({ status: 502, body: { code: 'model_refused' } })
  return { name, model, id: failed.body.execution_id as string }
}

it('a failed execution goes on from its failed step, and counts once', async () => {
  const { name, model, id } = await failedOnce()
  expect(await deployment(name)).toMatchObject({ execution_count: 1, error_count: 1 })
  const answer = await resume(id)
  expect(answer).toMatchObject({ status: 202, body: { execution_id: id, error: null, ended_at: null } })
  expect(answer.headers.get('location')).toBe(`/api/executions/${id}`)
  await ended(id)
  expect(await execution(id)).toMatchObject({ status: 'completed', response: 'at last', release: 1, recoveries: 0 })
  expect(await deployment(name)).toMatchObject({ execution_count: 1, error_count: 0 })
  expect(models.requests(model)).toHaveLength(2)
  const steps = (await studio.call('GET', `/api/executions/${id}/steps`)).body
  expect(steps).toMatchObject([{ status: 'completed', attempts: [{ number: 1, error: { code: 'model_refused' } }, { number: 2 }] }])
})

it('its stream goes on after the id of the end that is no longer true', async () => {
  const { id } = await failedOnce()
  const before = await readEvents(await fetch(`${studio.url}/api/executions/${id}/events`))
  expect(before.at(-1)!.data).toMatchObject({ status: 'error', code: 'model_refused' })
  await resume(id)
  const headers = { 'last-event-id': String(before.at(-1)!.id) }
  const after = await readEvents(await fetch(`${studio.url}/api/executions/${id}/events`, { headers }))
  expect(after.map((event) => event.id)).toEqual(after.map((_, index) => before.at(-1)!.id + 1 + index))
  expect(after.at(-1)!.data).toMatchObject({ status: 'completed', response: 'at last' })

  const whole = await readEvents(await fetch(`${studio.url}/api/executions/${id}/events`))
  expect(whole.filter(({ data }) => 'status' in data).map(({ data }) => data.status)).toEqual(['started', 'completed'])
  expect(whole[before.length - 1]!.data).toMatchObject({ type: 'resume', failure: { code: 'model_refused' } })
  expect(remainingText(whole)).toBe('at last')
})

it('only what has failed can be resumed', async () => {
  const { id } = await failedOnce()
  await resume(id)
  await ended(id)
  expect(await resume(id)).toMatchObject({ status: 409, body: { code: 'execution_not_failed', execution_id: id } })

  const held = models.held()
  const name = fresh('running')
  await studio.deployed(name, agents({ agent_id: 'a', config: { model: held.model } }))
  const running = (await studio.call('POST', '/api/workflows/execute/async', { deployment_name: name, query: 'x' })).body.execution_id
  expect(await resume(running)).toMatchObject({ status: 409, body: { code: 'execution_not_failed' } })
  await studio.call('POST', `/api/executions/${running}/cancel`)
  expect(await resume(running)).toMatchObject({ status: 409, body: { code: 'execution_not_failed' } })
  for (const nobody of ['nonsense', '019a0000-0000-7000-8000-000000000000']) {
    expect(await resume(nobody)).toMatchObject({ status: 404, body: { code: 'execution_not_found' } })
  }
})

it('stopped means stopped: nothing is resumed until the deployment is reactivated', async () => {
  const { name, id } = await failedOnce()
  await studio.call('POST', `/api/workflows/deployments/${name}/stop`)
  expect(await resume(id)).toMatchObject({ status: 404, body: { code: 'deployment_inactive' } })
  expect(await execution(id)).toMatchObject({ status: 'failed' })
  await studio.call('POST', `/api/workflows/deployments/${name}/reactivate`)
  expect((await resume(id)).status).toBe(202)
  await studio.call('DELETE', `/api/workflows/deployments/${name}`)
  expect(await resume(id)).toMatchObject({ status: 404, body: { code: 'execution_not_found' } })
})

it('each accepted resume leads to an end, however soon after the failure it came', async () => {
  const name = fresh('eager')
  const model = models.model(() => ({ status: 401, body: { error: { message: 'no' } } }))
  await studio.deployed(name, agents({ agent_id: 'a', config: { model } }))
  const start = () => studio.call('POST', '/api/workflows/execute/async', { deployment_name: name, query: 'try' })
  const ids = (await Promise.all(Array.from({ length: 20 }, start))).map(({ body }) => body.execution_id as string)
  const accepted = await Promise.all(
    ids.map(async (id) => {
      let count = 0
      for (let tries = 0; tries < 30; tries++) count += (await resume(id)).status === 202 ? 1 : 0
      return count
    }),
  )
  expect(accepted.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0)
  for (const id of ids) await ended(id)
})
