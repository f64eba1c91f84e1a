import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { call, readEvents, remainingText, type Answer } from './support/api.ts'
import { startScriptedModel, type ScriptedModel } from './support/scripted-model.ts'
import { removeFolder, startServer, temporaryFolder, type TestServer } from './support/server.ts'
import { deployAgents } from './support/workflows.ts'

/** Executions against a model server over real HTTP that answers as it is told: well, late, badly or not at all. */

const folder = temporaryFolder()
const KEY = 'sk-planted-0123456789'
let server: TestServer
let model: ScriptedModel

beforeAll(async () => {
  model = await startScriptedModel()
  server = await startServer(folder, { OPENAI_BASE_URL: model.baseUrl, OPENAI_API_KEY: KEY })
})
afterAll(async () => {
  await server.stop()
  await model.close()
  removeFolder(folder)
})
beforeEach(() => {
  model.requests.length = 0
})

const gpt = { agent_id: 'writer', config: { model: 'gpt-4o', system_prompt: 'Write.' } }
const execute = (deployment_name: string, more: object = {}): Promise<Answer> =>
  call(server.url, 'POST', '/api/workflows/execute', { deployment_name, query: 'Say something', ...more })
const stream = async (deployment_name: string) =>
  readEvents(
    await fetch(`${server.url}/api/workflows/execute/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ deployment_name, query: 'Say something' }),
    }),
  )
const stepsOf = async (executionId: string) => (await call(server.url, 'GET', `/api/executions/${executionId}/steps`)).body
const statisticsOf = async (name: string) => {
  const { body } = await call(server.url, 'GET', `/api/workflows/deployments/${name}`)
  return { executions: body.execution_count, errors: body.error_count, last_error: body.last_error }
}

describe('a model that answers', () => {
  it('gives the execution its answer, tokens and one step', async () => {
    const name = await deployAgents(server, [gpt])
    model.script({ text: 'Hello from afar', usage: { input: 11, output: 4 } })
    const { status, body } = await execute(name, { chat_history: [{ actor: 'user', content: 'before' }] })
    expect(status).toBe(200)
    expect(body).toMatchObject({ status: 'success', response: 'Hello from afar', tokens: { input: 11, output: 4, total: 15 } })
    expect(body.demo).toBeUndefined()
    expect(await stepsOf(body.execution_id)).toMatchObject([
      {
        kind: 'model',
        model: 'openai/gpt-4o',
        status: 'completed',
        attempts: [{ number: 1 }],
        tokens: { total: 15 },
        cost: expect.closeTo(0.000_067_5, 9),
      },
    ])
    const [request] = model.requests
    expect(request!.path).toBe('/v1/chat/completions')
    expect((request!.body as { messages: { role: string }[] }).messages.map(({ role }) => role)).toEqual(['system', 'user', 'user'])
    expect(await statisticsOf(name)).toEqual({ executions: 1, errors: 0, last_error: null })
  })

  it('streams its pieces as they come, and what was streamed is the response', async () => {
    const name = await deployAgents(server, [gpt])
    model.script({ pieces: ['Once ', 'upon ', 'a ', 'time – ', '🎉'], delayMs: 120 })
    const events = await stream(name)
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1))
    const content = events.filter(({ data }) => data.type === 'content')
    expect(content.length).toBeGreaterThanOrEqual(4)
    // They arrive while the model still speaks, not all at the end.
    expect(content.at(-1)!.at - content[0]!.at).toBeGreaterThan(300)
    expect(events.at(-1)!.data).toMatchObject({ type: 'status', status: 'completed', response: 'Once upon a time – 🎉' })
    expect(remainingText(events)).toBe('Once upon a time – 🎉')
  })

  it('may call a second agent, whose model calls are steps of their own', async () => {
    const name = await deployAgents(server, [
      { agent_id: 'lead', config: { model: 'gpt-4o' }, calls: ['billing'] },
      { agent_id: 'billing', config: { model: 'gpt-4o-mini' } },
    ])
    model.script(
      { toolCalls: [{ name: 'billing', arguments: '{"query":"What is owed?"}' }] },
      { text: '42 euros' },
      { text: 'You owe 42 euros.' },
    )
    const { body } = await execute(name)
    expect(body.response).toBe('You owe 42 euros.')
    expect((await stepsOf(body.execution_id)).map((step: { kind: string; name: string }) => [step.kind, step.name])).toEqual([
      ['model', 'lead'],
      ['agent', 'billing'],
      ['model', 'billing'],
      ['model', 'lead'],
    ])
    const last = model.requests.at(-1)!.body as { messages: { role: string; content: unknown }[] }
    expect(last.messages.at(-1)).toMatchObject({ role: 'tool', content: '42 euros' })
    expect(await statisticsOf(name)).toMatchObject({ executions: 1, errors: 0 })
  })
})

describe('a model that fails', () => {
  it('with 429 is asked again, not before Retry-After', async () => {
    const name = await deployAgents(server, [gpt])
    let refusedAt = 0
    let askedAgainAt = 0
    model.script(
      () => {
        refusedAt = performance.now()
        return { status: 429, headers: { 'retry-after': '1' }, body: { error: { message: 'slow down' } } }
      },
      () => {
        askedAgainAt = performance.now()
        return { text: 'now then' }
      },
    )
    const { status, body } = await execute(name)
    expect([status, body.response]).toEqual([200, 'now then'])
    expect(askedAgainAt - refusedAt).toBeGreaterThanOrEqual(990)
    expect((await stepsOf(body.execution_id))[0].attempts).toMatchObject([{ number: 1, error: { code: 'model_failed' } }, { number: 2 }])
    expect(await statisticsOf(name)).toMatchObject({ executions: 1, errors: 0 })
  })

  it('with 500 is asked until the retries end, then the execution has failed', async () => {
    const name = await deployAgents(server, [gpt], { runtime_config: { max_retries: 2 } })
    model.always({ status: 500, body: { error: { message: 'on fire' } } })
    const { status, headers, body } = await execute(name)
    expect(status).toBe(502)
    expect(headers.get('content-type')).toBe('application/problem+json')
    expect(body).toMatchObject({
      code: 'model_failed',
      status: 502,
      provider_status: 500,
      step_id: 'writer#1',
      execution_id: expect.any(String),
    })
    expect(body.detail).toContain('on fire')
    expect(model.requests).toHaveLength(3)
    expect((await stepsOf(body.execution_id))[0]).toMatchObject({
      status: 'failed',
      attempts: [{}, {}, { error: { code: 'model_failed' } }],
    })
    const execution = await call(server.url, 'GET', `/api/executions/${body.execution_id}`)
    expect(execution.body).toMatchObject({ status: 'failed', response: null, error: { code: 'model_failed' } })
    expect(await statisticsOf(name)).toMatchObject({ executions: 1, errors: 1, last_error: expect.stringContaining('on fire') })
  })

  it('with 401 is not asked again, and the key is in no answer and no log', async () => {
    const name = await deployAgents(server, [gpt])
    model.script({ status: 401, body: { error: { message: `Incorrect API key provided: ${KEY}` } } })
    const { status, body } = await execute(name)
    expect([status, body.code]).toEqual([502, 'model_refused'])
    expect(model.requests).toHaveLength(1)
    const shown = JSON.stringify([body, await stepsOf(body.execution_id), await statisticsOf(name)]) + server.output()
    expect(shown).not.toContain(KEY)
  })

  it('by silence ends the execution at its timeout, and the call is given up', async () => {
    const name = await deployAgents(server, [gpt], { runtime_config: { timeout: 1, max_retries: 5 } })
    model.script({ hang: true })
    const began = performance.now()
    const { status, body } = await execute(name)
    expect(performance.now() - began).toBeLessThan(3_000)
    expect([status, body.code]).toEqual([504, 'execution_timeout'])
    expect(model.requests).toHaveLength(1)
    expect(await model.requests[0]!.ended).toBe('aborted')
    expect(await statisticsOf(name)).toMatchObject({ executions: 1, errors: 1 })
    expect((await stepsOf(body.execution_id))[0]).toMatchObject({ status: 'failed', attempts: [{ error: { code: 'execution_timeout' } }] })
  })

  it('by saying more than anybody can take ends with the reason, and is not asked again', async () => {
    const name = await deployAgents(server, [gpt])
    model.always({ pieces: Array.from({ length: 110 }, () => 'x'.repeat(100_000)) })
    const { status, body } = await execute(name)
    expect([status, body.code]).toEqual([502, 'model_failed'])
    expect(body.detail).toContain('longer than 10000000 characters')
    expect(model.requests).toHaveLength(1)
    expect((await stepsOf(body.execution_id))[0]).toMatchObject({ status: 'failed', attempts: [{ error: { code: 'model_failed' } }] })
  })

  it('by redirecting elsewhere is refused with the place, and nothing is sent there', async () => {
    const other = await startScriptedModel()
    onTestFinished(() => other.close())
    const name = await deployAgents(server, [gpt])
    model.script({ status: 307, headers: { location: `${other.baseUrl}/chat/completions` } })
    const { status, body } = await execute(name)
    expect([status, body.code, body.provider_status]).toEqual([502, 'model_refused', 307])
    expect(body.detail).toContain(`${other.baseUrl}/chat/completions`)
    expect([model.requests.length, other.requests.length]).toEqual([1, 0])
  })

  it('in the middle of its text takes that text back, and what remains is the response', async () => {
    const name = await deployAgents(server, [gpt])
    model.script({ pieces: ['This will ', 'not – ', 'last'], delayMs: 40, breakAfter: 2 }, { pieces: ['This ', 'will.'] })
    const events = await stream(name)
    const retry = events.find(({ data }) => data.type === 'retry')
    expect(retry?.data).toMatchObject({ step_id: 'writer#1', attempt: 1 })
    expect(retry!.data.discard).toBeGreaterThan(0)
    expect(events.at(-1)!.data).toMatchObject({ status: 'completed', response: 'This will.' })
    expect(remainingText(events)).toBe('This will.')
    const executionId = events[0]!.data.execution_id
    expect((await stepsOf(executionId))[0].attempts).toMatchObject([{ error: { code: 'model_failed' } }, { number: 2 }])
    expect(await statisticsOf(name)).toMatchObject({ executions: 1, errors: 0 })
  })

  it('for good ends a stream with its error and code', async () => {
    const name = await deployAgents(server, [gpt], { runtime_config: { max_retries: 0 } })
    model.script({ status: 503, body: 'no' })
    const events = await stream(name)
    expect(events.at(-1)!.data).toMatchObject({ type: 'status', status: 'error', code: 'model_failed', error: expect.any(String) })
    const withStatus = events.filter(({ data }) => 'status' in data)
    expect(withStatus.map(({ data }) => data.status)).toEqual(['started', 'error'])
  })
})

it('a provider without its key is a warning on deploy, and on execution a 502 that names the variable', async () => {
  const created = await call(server.url, 'POST', '/api/workflows', {
    name: 'keyless',
    configuration: { agents: [{ agent_id: 'a', config: { model: 'claude-sonnet-4' } }] },
  })
  const deployed = await call(server.url, 'POST', `/api/workflows/${created.body.workflow_id}/deploy`, { deployment_name: 'keyless' })
  expect(deployed.body.warnings).toMatchObject([{ code: 'model_not_configured', message: expect.stringContaining('ANTHROPIC_API_KEY') }])
  const { status, body } = await execute('keyless')
  expect([status, body.code]).toEqual([502, 'model_not_configured'])
  expect(body.detail).toContain('ANTHROPIC_API_KEY')
})
