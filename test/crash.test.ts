import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { call, readEvents, remainingText, until } from './support/api.ts'
import { startScriptedModel, type ScriptedModel } from './support/scripted-model.ts'
import { removeFolder, startServer, temporaryFolder, type TestServer } from './support/server.ts'
import { deployAgents } from './support/workflows.ts'

/** What must survive, when a real process is killed. */

let folder: string
let server: TestServer
let model: ScriptedModel

beforeEach(async () => {
  folder = temporaryFolder()
  model = await startScriptedModel()
  await start()
})
afterEach(async () => {
  await server.kill()
  await model.close()
  removeFolder(folder)
})

async function start(): Promise<void> {
  server = await startServer(folder, { OPENAI_BASE_URL: model.baseUrl })
}

async function crash(): Promise<void> {
  await server.kill()
  await start()
}

const get = async (path: string) => (await call(server.url, 'GET', path)).body
const ended = (executionId: string) =>
  until(async () => {
    const execution = await get(`/api/executions/${executionId}`)
    return execution.ended_at !== null && execution
  }, `execution ${executionId} to end`)

const team = [
  { agent_id: 'lead', config: { model: 'gpt-4o' }, calls: ['b'] },
  { agent_id: 'b', config: { model: 'gpt-4o' } },
]

describe('after kill -9', () => {
  it('deployments, releases, statistics and finished executions are as they were', async () => {
    model.always({ text: 'fine' })
    const kept = await deployAgents(server, [team[1]!])
    const stopped = await deployAgents(server, [team[1]!])
    await call(server.url, 'POST', '/api/workflows/execute', { deployment_name: kept, query: 'one' })
    await call(server.url, 'POST', `/api/workflows/deployments/${stopped}/stop`)
    await call(server.url, 'DELETE', '/api/workflows/deployments/hello')
    const before = [
      await get('/api/workflows/deployments'),
      await get('/api/executions'),
      await get('/api/workflows'),
      await get('/api/agents'),
    ]

    await crash()
    expect([
      await get('/api/workflows/deployments'),
      await get('/api/executions'),
      await get('/api/workflows'),
      await get('/api/agents'),
    ]).toEqual(before)
    const served = await call(server.url, 'POST', '/api/workflows/execute', { deployment_name: kept, query: 'two' })
    expect(served.status).toBe(200)
    const refused = await call(server.url, 'POST', '/api/workflows/execute', { deployment_name: stopped, query: 'no' })
    expect([refused.status, refused.body.code]).toEqual([404, 'deployment_inactive'])
  })

  it('an execution that was caught in the middle ends, and no recorded step runs again', async () => {
    const name = await deployAgents(server, team)
    model.script({ toolCalls: [{ name: 'b', arguments: '{"query":"go"}' }] }, { hang: true })
    const answer = call(server.url, 'POST', '/api/workflows/execute', { deployment_name: name, query: 'start' }).catch(() => undefined)
    await until(async () => model.requests.length === 2, 'the second model call')
    const [execution] = await get(`/api/executions?deployment_name=${name}`)
    await server.kill()
    expect(await answer).toBeUndefined()

    model.script({ text: 'from b' }, { text: 'whole answer' })
    await start()
    expect(await ended(execution.execution_id)).toMatchObject({ status: 'completed', response: 'whole answer', recoveries: 1 })
    expect(model.requests).toHaveLength(4)
    const steps = await get(`/api/executions/${execution.execution_id}/steps`)
    expect(steps.map((step: { step_id: string; attempts: unknown[] }) => [step.step_id, step.attempts.length])).toEqual([
      ['lead#1', 1],
      ['lead#1.1', 2],
      ['lead#1.1/b#1', 2],
      ['lead#2', 1],
    ])
    expect(await get(`/api/workflows/deployments/${name}`)).toMatchObject({ execution_count: 1, error_count: 0 })
    // The repeated attempt carries the key of the first, so that a provider can tell.
    const keys = model.requests.map(({ headers }) => headers['idempotency-key'])
    expect(keys[2]).toBe(keys[1])
    expect(new Set(keys).size).toBe(3)
  })

  it('a stream goes on where it was cut, without gap or repeat', async () => {
    const name = await deployAgents(server, [team[1]!])
    model.script({ pieces: ['One ', 'two ', 'three ', 'four ', 'five'], delayMs: 60, hangAfter: 3 })
    const response = await fetch(`${server.url}/api/workflows/execute/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ deployment_name: name, query: 'count' }),
    })
    let seen = ''
    const before = await readEvents(response, ({ data }) => {
      if (data.type === 'content') seen += data.data
      return seen.includes('three')
    })
    await server.kill()
    model.script({ pieces: ['Uno ', 'due'] })
    await start()
    const { execution_id } = before[0]!.data
    await ended(execution_id)
    const after = await readEvents(
      await fetch(`${server.url}/api/executions/${execution_id}/events`, { headers: { 'last-event-id': String(before.at(-1)!.id) } }),
    )
    const all = [...before, ...after]
    expect(all.map(({ id }) => id)).toEqual(all.map((_, index) => index + 1))
    expect(after.find(({ data }) => data.type === 'retry')).toBeDefined()
    expect(remainingText(all)).toBe('Uno due')
    expect(all.at(-1)!.data.response).toBe('Uno due')
  })
})

describe('after SIGTERM', () => {
  it('what can end ends and is answered, new requests are refused, and the exit code is 0', async () => {
    const name = await deployAgents(server, [team[1]!])
    model.script({ pieces: ['still ', 'here'], delayMs: 300 })
    const answer = call(server.url, 'POST', '/api/workflows/execute', { deployment_name: name, query: 'wait' })
    await until(async () => model.requests.length === 1, 'the model call')
    expect(await server.stop()).toBe(0)
    expect(await answer).toMatchObject({ status: 200, body: { response: 'still here' } })
    await start()
  })

  it('what does not end in time goes on after the next start', async () => {
    const name = await deployAgents(server, [team[1]!])
    model.script({ hang: true })
    const answer = call(server.url, 'POST', '/api/workflows/execute', { deployment_name: name, query: 'wait' })
    await until(async () => model.requests.length === 1, 'the model call')
    expect(await server.stop()).toBe(0)
    const { status, body } = await answer
    expect([status, body.code]).toEqual([503, 'shutting_down'])
    model.script({ text: 'at last' })
    await start()
    expect(await ended(body.execution_id)).toMatchObject({ status: 'completed', response: 'at last' })
    const [step] = await get(`/api/executions/${body.execution_id}/steps`)
    expect(step.attempts).toMatchObject([{ error: { code: 'shutting_down' } }, { number: 2 }])
  })
})
