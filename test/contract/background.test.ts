import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { call, readEvents, until } from '../support/api.ts'
import { startScriptedModel, type ScriptedModel } from '../support/scripted-model.ts'
import { removeFolder, startServer, temporaryFolder, type TestServer } from '../support/server.ts'
import { deployAgents } from '../support/workflows.ts'

/** Executions that nobody waits for, that somebody cancels, and whose client leaves. */

const folder = temporaryFolder()
let server: TestServer
let model: ScriptedModel
let name: string

beforeAll(async () => {
  model = await startScriptedModel()
  server = await startServer(folder, { OPENAI_BASE_URL: model.baseUrl })
})
afterAll(async () => {
  await server.stop()
  await model.close()
  removeFolder(folder)
})
beforeEach(async () => {
  model.requests.length = 0
  model.always({ hang: true })
  name = await deployAgents(server, [{ agent_id: 'a', config: { model: 'gpt-4o' } }])
})

const post = (path: string, body?: unknown) => call(server.url, 'POST', path, body)
const look = async (id: string) => (await call(server.url, 'GET', `/api/executions/${id}`)).body
const called = () => until(async () => model.requests.length > 0, 'the model call')
const aborted = () => until(async () => model.requests[0]!.aborted, 'the model call to be aborted')
const isCancelled = (id: string) => until(async () => (await look(id)).status === 'cancelled', 'the execution to be cancelled')

describe('execute/async', () => {
  it('answers 202 with where to look as soon as the execution is accepted, and it goes on', async () => {
    model.always({ text: 'done' })
    const { status, headers, body } = await post('/api/workflows/execute/async', { deployment_name: name, query: 'go' })
    expect(status).toBe(202)
    expect(headers.get('location')).toBe(`/api/executions/${body.execution_id}`)
    expect(body).toMatchObject({ status: 'running', deployment_name: name, environment: 'production', release: 1 })
    await until(async () => (await look(body.execution_id)).status === 'completed', 'the end')
    expect(await look(body.execution_id)).toMatchObject({ response: 'done', error: null })
  })

  it('refuses what execute refuses', async () => {
    expect((await post('/api/workflows/execute/async', { deployment_name: 'nobody', query: 'go' })).status).toBe(404)
    expect((await post('/api/workflows/execute/async', { query: 'go' })).status).toBe(422)
    // Nobody waits, so nobody can leave.
    const { body } = await post('/api/workflows/execute/async', { deployment_name: name, query: 'go', on_disconnect: 'cancel' })
    expect(body).toMatchObject({ code: 'invalid_input', errors: [{ pointer: '/on_disconnect', code: 'unknown_field' }] })
  })
})

describe('cancel', () => {
  const start = async (): Promise<string> => {
    const { body } = await post('/api/workflows/execute/async', { deployment_name: name, query: 'go' })
    await called()
    return body.execution_id
  }

  it('ends the execution, aborts its model call, and counts it', async () => {
    const id = await start()
    const { status, body } = await post(`/api/executions/${id}/cancel`)
    expect(status).toBe(200)
    expect(body).toMatchObject({ execution_id: id, status: 'cancelled', response: null, ended_at: expect.any(String) })
    await aborted()
    const [step] = (await call(server.url, 'GET', `/api/executions/${id}/steps`)).body
    expect(step).toMatchObject({ status: 'cancelled', attempts: [{ ended_at: expect.any(String), error: { code: 'cancelled' } }] })
    const { body: deployment } = await call(server.url, 'GET', `/api/workflows/deployments/${name}`)
    expect(deployment).toMatchObject({ execution_count: 1, error_count: 0, in_flight: { running: 0 } })
  })

  it('is told to who waits for the answer, and to who reads the stream, then and later', async () => {
    const waiting = post('/api/workflows/execute', { deployment_name: name, query: 'go' })
    await called()
    const [{ execution_id: id }] = (await call(server.url, 'GET', `/api/executions?deployment_name=${name}`)).body
    const streaming = fetch(`${server.url}/api/executions/${id}/events`).then((response) => readEvents(response))
    await until(async () => (await call(server.url, 'GET', `/api/executions/${id}/steps`)).body.length === 1, 'the step')
    await post(`/api/executions/${id}/cancel`)
    expect(await waiting).toMatchObject({ status: 409, body: { code: 'execution_cancelled', execution_id: id } })
    const live = await streaming
    const later = await readEvents(await fetch(`${server.url}/api/executions/${id}/events`))
    expect(live.at(-1)!.data).toMatchObject({ type: 'status', status: 'error', code: 'execution_cancelled' })
    expect(later.map(({ id: number }) => number)).toEqual(later.map((_, index) => index + 1))
    expect(live.map(({ id: number, data }) => [number, data])).toEqual(later.map(({ id: number, data }) => [number, data]))
  })

  it('of one that has ended is 409 and changes nothing; of one that is not there 404', async () => {
    const id = await start()
    await post(`/api/executions/${id}/cancel`)
    const before = await look(id)
    expect(await post(`/api/executions/${id}/cancel`)).toMatchObject({ status: 409, body: { code: 'execution_ended', execution_id: id } })
    expect(await look(id)).toEqual(before)
    expect((await post('/api/executions/00000000-0000-7000-8000-000000000000/cancel')).status).toBe(404)
    expect((await post('/api/executions/nonsense/cancel')).status).toBe(404)
  })

  it('is final: after a crash the execution stays cancelled and nothing runs again', async () => {
    const id = await start()
    await post(`/api/executions/${id}/cancel`)
    const before = await look(id)
    await server.kill()
    model.requests.length = 0
    server = await startServer(folder, { OPENAI_BASE_URL: model.baseUrl })
    expect(await look(id)).toEqual(before)
    expect(model.requests).toEqual([])
  })
})

describe('a client that leaves', () => {
  const leave = async (path: string, body: object): Promise<string> => {
    const client = new AbortController()
    const answer = fetch(server.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ deployment_name: name, query: 'go', ...body }),
      signal: client.signal,
    }).then((response) => response.text())
    await called()
    const [execution] = (await call(server.url, 'GET', `/api/executions?deployment_name=${name}`)).body
    client.abort()
    await answer.catch(() => undefined)
    return execution.execution_id
  }

  it.each(['/api/workflows/execute', '/api/workflows/execute/stream'])('of %s cancels the execution if it said so', async (path) => {
    const id = await leave(path, { on_disconnect: 'cancel' })
    await isCancelled(id)
    await aborted()
  })

  it.each([{}, { on_disconnect: 'continue' }])('leaves the execution running otherwise: %j', async (body) => {
    let answer: () => void = () => undefined
    model.always(() => new Promise((resolve) => (answer = () => resolve({ text: 'still here' }))))
    const id = await leave('/api/workflows/execute', body)
    answer()
    await until(async () => (await look(id)).status === 'completed', 'the end')
  })

  it('is not what a client is that has its answer', async () => {
    model.always({ text: 'all of it' })
    const { body } = await post('/api/workflows/execute', { deployment_name: name, query: 'go', on_disconnect: 'cancel' })
    expect(await look(body.execution_id)).toMatchObject({ status: 'completed', response: 'all of it' })
  })
})
