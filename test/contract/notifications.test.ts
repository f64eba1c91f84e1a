import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readEvents, until } from '../support/api.ts'
import { startCountingServer, type CountingServer } from '../support/counting-server.ts'
import { fresh, useStudio } from '../support/studio.ts'

const studio = useStudio(() => ({ AGENT_STUDIO_PRIVATE_ADDRESSES: '127.0.0.1' }))
let outside: CountingServer
beforeAll(async () => void (outside = await startCountingServer()))
afterAll(() => outside.close())

const post = (step_id: string, path: string) => ({ step_id, step_type: 'http', config: { method: 'POST', url: `${outside.url}/${path}` } })

interface Summary {
  execution_id: string
  parent_id: string | null
  status: string
  ended_at: string | null
}

/** Deploys what answers at once, after a call of `…-one`, and tells `…-two` and then `…-held`, which hangs. */
async function deploy(): Promise<string> {
  const name = fresh('telling')
  outside.hold(`/${name}-held`)
  const said = { step_id: 'said', step_type: 'output', config: { template: 'said' }, dependencies: ['one'] }
  await studio.deployed(name, {
    steps: [post('one', `${name}-one`), said, post('two', `${name}-two`), { ...post('three', `${name}-held`), dependencies: ['two'] }],
    connections: [{ source_step_id: 'one', target_step_id: 'two', connection_type: 'notification' }],
  })
  return name
}

const list = async (name: string): Promise<Summary[]> => (await studio.call('GET', `/api/executions?deployment_name=${name}`)).body
const hanging = (name: string) => until(async () => outside.count(`/${name}-held`) === 1, 'the call')

/** @returns the execution that a notification of the other one has begun */
async function answered(name: string): Promise<{ parent: string; child: string }> {
  const { status, body } = await studio.execute({ deployment_name: name, query: 'go' })
  expect([status, body.response]).toEqual([200, 'said'])
  await hanging(name)
  const child = (await list(name)).find(({ parent_id }) => parent_id === body.execution_id)!
  return { parent: body.execution_id, child: child.execution_id }
}

const execution = async (id: string) => (await studio.call('GET', `/api/executions/${id}`)).body
const ended = (id: string) => until(async () => (await execution(id)).ended_at !== null, 'the end')

describe('a notification over HTTP', () => {
  it('is waited for neither by the answer nor by the last event of the stream', async () => {
    const name = await deploy()
    const { parent, child } = await answered(name)
    expect(await execution(parent)).toMatchObject({ status: 'completed', parent_id: null })
    expect(await execution(child)).toMatchObject({ status: 'running', parent_id: parent, release: 1 })
    const { body: steps } = await studio.call('GET', `/api/executions/${parent}/steps`)
    expect(steps.find(({ kind }: { kind: string }) => kind === 'notification')).toMatchObject({ output: { execution_id: child } })
    const events = await readEvents(await studio.stream({ deployment_name: name, query: 'go' }))
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1))
  })

  it('is done after a kill -9 that follows the answer, and calls nothing again that is recorded', async () => {
    const name = await deploy()
    const { parent, child } = await answered(name)
    await studio.crash()
    outside.release()
    await ended(child)
    expect(await execution(child)).toMatchObject({ status: 'completed', response: `${name}-held`, recoveries: 1 })
    expect(['one', 'two', 'held'].map((path) => outside.count(`/${name}-${path}`))).toEqual([1, 1, 2])
    expect(await execution(parent)).toMatchObject({ status: 'completed', recoveries: 0 })
    expect(await list(name)).toHaveLength(2)
  })

  it('can be cancelled, and is cancelled with its deployment', async () => {
    const name = await deploy()
    const { parent, child } = await answered(name)
    expect((await studio.call('POST', `/api/executions/${child}/cancel`)).status).toBe(200)
    expect(await execution(child)).toMatchObject({ status: 'cancelled' })
    expect(await execution(parent)).toMatchObject({ status: 'completed' })
    const other = await deploy()
    const { child: second } = await answered(other)
    await studio.call('POST', `/api/workflows/deployments/${other}/stop`, { mode: 'cancel' })
    expect(await execution(second)).toMatchObject({ status: 'cancelled' })
  })
})
