import { describe, expect, it } from 'vitest'
import { until } from '../support/api.ts'
import { useScriptedModels } from '../support/scripted-models.ts'
import { agents, fresh, useStudio } from '../support/studio.ts'

const models = useScriptedModels()
const studio = useStudio(models.env)

/** A deployment of one agent on a model of its own, executed once. @returns what the model was sent */
async function sentToModel(config: object, fields: object = {}) {
  const [name, model] = [fresh('sent'), models.model(() => ({ text: 'scripted' }))]
  await studio.deployed(name, agents({ agent_id: 'a', config: { model, ...config } }))
  expect((await studio.execute({ deployment_name: name, query: 'and now?', ...fields })).body.response).toBe('scripted')
  expect(models.requests(model)).toHaveLength(1)
  return models.requests(model)[0]!.body
}

it.concurrent('answers 200 with the text and with what ran', async () => {
  const name = fresh('execute')
  const { deployment_id, workflow } = await studio.deployed(name)
  const { status, body } = await studio.execute({ deployment_name: name, query: 'Grüße, 世界 🦄\n"quoted"' })
  expect(status).toBe(200)
  expect(body).toMatchObject({
    status: 'success',
    response: 'Grüße, 世界 🦄\n"quoted"',
    execution_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    workflow_id: workflow.workflow_id,
    deployment_id,
  })
})

it.concurrent('gives every execution an id of its own', async () => {
  const name = fresh('ids')
  await studio.deployed(name)
  const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => studio.execute({ deployment_name: name, query: `${index}` })))
  expect(answers.map((one) => one.body.response)).toEqual(Array.from({ length: 20 }, (_, index) => `${index}`))
  expect(new Set(answers.map((one) => one.body.execution_id)).size).toBe(20)
})

it.concurrent('answers 404 for a deployment that is unknown, stopped or deleted', async () => {
  const name = fresh('gone')
  const run = () => studio.execute({ deployment_name: name, query: 'x' })
  expect(await run()).toMatchObject({ status: 404, body: { code: 'deployment_not_found' } })
  await studio.deployed(name)
  expect((await run()).status).toBe(200)
  await studio.call('POST', `/api/workflows/deployments/${name}/stop`)
  const stopped = await run()
  expect(stopped).toMatchObject({ status: 404, body: { code: 'deployment_inactive' } })
  expect(stopped.body.detail).toContain('reactivate')
  await studio.call('DELETE', `/api/workflows/deployments/${name}`)
  expect(await run()).toMatchObject({ status: 404, body: { code: 'deployment_not_found' } })
  expect(await studio.execute({ deployment_name: name.toUpperCase(), query: 'x' })).toMatchObject({ status: 404 })
})

it.concurrent('refuses a body that names neither a deployment nor a workflow', async () => {
  for (const nothing of [{}, { deployment_name: null, workflow_id: null }]) {
    expect(await studio.execute({ query: 'x', ...nothing })).toMatchObject({ status: 422, body: { code: 'invalid_input' } })
  }
})

it.concurrent('takes null in every optional field as absent', async () => {
  const nulls = { workflow_id: null, chat_history: null, runtime_overrides: null, session_id: null, user_id: null, environment: null }
  const { status, body } = await studio.execute({ deployment_name: 'hello', query: 'x', ...nulls })
  expect([status, body.status]).toEqual([200, 'success'])
})

describe.concurrent('what the model gets', () => {
  it('is the system prompt, the history in either spelling and the query, in this order', async () => {
    const chat_history = [
      { actor: 'user', content: 'first' },
      { actor: 'Assistant', content: 'second' },
      { role: 'user', content: 'third' },
      { role: 'assistant', content: 'fourth' },
    ]
    const { messages } = await sentToModel({ system_prompt: 'Be brief.' }, { chat_history })
    expect(messages).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'first' },
      { role: 'assistant', content: 'second' },
      { role: 'user', content: 'third' },
      { role: 'assistant', content: 'fourth' },
      { role: 'user', content: 'and now?' },
    ])
  })

  it('is the query alone for one agent without instructions, in one call', async () => {
    const { messages, tools } = await sentToModel({})
    expect([messages, tools]).toEqual([[{ role: 'user', content: 'and now?' }], undefined])
  })

  it('has the settings of the agent', async () => {
    expect(await sentToModel({ temperature: 0.6, max_tokens: 50 })).toMatchObject({ temperature: 0.6, max_tokens: 50 })
  })
})

it.concurrent('lets the agent without an incoming connection lead, whatever its place, and call the others as tools, and so on down', async () => {
  const name = fresh('team')
  const model = { config: { model: 'demo/assistant' } }
  await studio.deployed(name, {
    agents: [
      { agent_id: 'third', config: { model: 'demo/echo' } },
      { agent_id: 'second', ...model },
      { agent_id: 'first', ...model },
    ],
    connections: [
      { source_agent_id: 'second', target_agent_id: 'third', connection_type: 'default' },
      { source_agent_id: 'first', target_agent_id: 'second' },
    ],
  })
  const { body } = await studio.execute({ deployment_name: name, query: 'the task' })
  expect(body.response).toMatch(/Tool second answered: [^]*Tool third answered: the task/)
})

describe.concurrent('a failed execution', () => {
  it('is a problem with its execution_id, which can be looked up', async () => {
    const name = fresh('failed')
    await studio.deployed(name, agents({ agent_id: 'a', config: { model: 'demo/assistant' } }))
    const { status, headers, body } = await studio.execute({ deployment_name: name, query: 'fail for good' })
    expect([status, headers.get('content-type')]).toEqual([502, 'application/problem+json'])
    expect(body).toMatchObject({ status: 502, code: 'model_refused', title: expect.any(String), type: expect.any(String) })
    const execution = (await studio.call('GET', `/api/executions/${body.execution_id}`)).body
    expect(execution).toMatchObject({ status: 'failed', response: null, error: { code: 'model_refused', message: body.detail } })
  })

  it('of a provider without its key is 502 and names the variable', async () => {
    const name = fresh('keyless')
    await studio.deployed(name, agents({ agent_id: 'a', config: { model: 'claude-sonnet-4-5' } }))
    const { status, body } = await studio.execute({ deployment_name: name, query: 'x' })
    expect([status, body.code, body.execution_id]).toEqual([502, 'model_not_configured', expect.any(String)])
    expect(body.detail).toContain('ANTHROPIC_API_KEY')
  })
})

it.concurrent('goes on when the client leaves', async () => {
  const name = fresh('left')
  const held = models.held()
  await studio.deployed(name, agents({ agent_id: 'a', config: { model: held.model } }))
  const leave = new AbortController()
  const request = fetch(`${studio.url}/api/workflows/execute`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ deployment_name: name, query: 'x' }),
    signal: leave.signal,
  })
  const first = async () => (await studio.call('GET', `/api/executions?deployment_name=${name}`)).body[0]
  await until(async () => (await first())?.status === 'running', 'it runs')
  leave.abort()
  await expect(request).rejects.toThrow('aborted')
  held.answer('to nobody')
  const ended = await until(async () => (await first()).status === 'completed' && (await first()), 'it completes')
  expect((await studio.call('GET', `/api/executions/${ended.execution_id}`)).body.response).toBe('to nobody')
})
