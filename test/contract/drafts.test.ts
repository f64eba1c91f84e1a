import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { readEvents, until } from '../support/api.ts'
import { useScriptedModels } from '../support/scripted-models.ts'
import { agents, echo, fresh, slow, useStudio } from '../support/studio.ts'

const models = useScriptedModels()
const studio = useStudio(() => ({
  ...models.env(),
  AGENT_STUDIO_ENVIRONMENTS: 'development,production,guarded',
  AGENT_STUDIO_PROTECTED_ENVIRONMENTS: 'guarded:promotion',
}))

const run = (workflowId: string, body: object, how = '') => studio.call('POST', `/api/workflows/${workflowId}/execute${how}`, body)
const execution = async (id: string) => (await studio.call('GET', `/api/executions/${id}`)).body
const ended = (id: string) =>
  until(async () => {
    const one = await execution(id)
    return one.ended_at !== null && one
  }, 'its end')
const listed = async (query: string): Promise<string[]> =>
  (await studio.call('GET', `/api/executions?${query}`)).body.map((one: { execution_id: string }) => one.execution_id)

describe('a draft', () => {
  it('is run as it is now, marked as a test, and counts in no deployment', async () => {
    const id = await studio.workflow()
    const name = fresh('deployed')
    await studio.deploy(id, name)
    const { status, body } = await run(id, { query: 'é 🦄', input: { a: 1 }, user_id: 'ada', runtime_overrides: { timeout: 9 } })
    expect([status, body]).toMatchObject([
      200,
      {
        status: 'success',
        response: 'é 🦄',
        workflow_id: id,
        deployment_id: '',
        deployment_name: '',
        environment: 'development',
        test: true,
      },
    ])
    expect(await execution(body.execution_id)).toMatchObject({
      test: true,
      status: 'completed',
      input: { a: 1 },
      user_id: 'ada',
      release: 0,
      runtime_config: { timeout: 9, max_retries: 3 },
    })
    expect((await studio.call('GET', `/api/workflows/deployments/${name}`)).body).toMatchObject({ execution_count: 0, last_executed: null })
    expect((await studio.call('GET', `/api/executions/${body.execution_id}/steps`)).body).toHaveLength(1)
    const metrics = await (await fetch(`${studio.url}/metrics`)).text()
    expect(metrics).not.toContain('deployment_name=""')
  })

  it('is what it is at that moment, and an execution stays on what it began with', async () => {
    const held = models.held()
    const id = await studio.workflow(agents({ agent_id: 'a', config: { model: held.model } }))
    const first = (await run(id, { query: 'x' }, '/async')).body
    await until(async () => models.requests(held.model).length === 1, 'the call')
    await studio.call('PUT', `/api/workflows/${id}`, { configuration: echo })
    expect((await run(id, { query: 'edited' })).body.response).toBe('edited')
    await studio.call('DELETE', `/api/workflows/${id}`)
    expect(await run(id, { query: 'gone' })).toMatchObject({ status: 404, body: { code: 'workflow_not_found' } })
    held.answer('as it was')
    expect(await ended(first.execution_id)).toMatchObject({ status: 'completed', response: 'as it was', test: true })
  })

  it('is checked like for a deploy, and all its problems are told', async () => {
    const id = await studio.workflow({
      agents: [{ agent_id: 'a', config: { model: 'demo/echo', temperature: 9, system_prompt: '{{ variables.NOWHERE }}' } }],
      connections: [{ source_agent_id: 'a', target_agent_id: 'b' }],
    })
    const deploy = await studio.call('POST', `/api/workflows/${id}/deploy`, { deployment_name: fresh('wrong'), environment: 'development' })
    const { status, body } = await run(id, { query: 'x' })
    expect([status, body.code]).toEqual([422, 'workflow_invalid'])
    expect(body.errors.length).toBeGreaterThan(1)
    expect(body.errors).toEqual(deploy.body.errors)
    expect(await listed(`workflow_id=${id}`)).toEqual([])
  })

  it('has the variables of its environment, the first one where none is named', async () => {
    const variable = fresh('PLACE').replace('-', '_')
    for (const environment of ['development', 'production']) {
      await studio.call('PUT', `/api/variables/${environment}/${variable}`, { value: `in ${environment}` })
    }
    const template = `{{ variables.${variable} }}, a test: {{ execution.test }}`
    const id = await studio.workflow({ steps: [{ step_id: 's', step_type: 'transform', config: { template } }] })
    expect((await run(id, { query: 'x' })).body).toMatchObject({ response: 'in development, a test: true', environment: 'development' })
    expect((await run(id, { query: 'x', environment: 'production' })).body).toMatchObject({ response: 'in production, a test: true' })
    expect(await run(id, { query: 'x', environment: 'elsewhere' })).toMatchObject({ status: 422 })
  })

  it('does not run in a protected environment', async () => {
    const id = await studio.workflow()
    for (const how of ['', '/async', '/stream']) {
      const { status, body } = await run(id, { query: 'x', environment: 'guarded' }, how)
      expect([status, body.code]).toEqual([403, 'draft_in_protected_environment'])
    }
    expect(await listed(`workflow_id=${id}`)).toEqual([])
  })

  it('refuses what it does not know', async () => {
    const id = await studio.workflow()
    for (const [body, pointer] of [
      [{}, '/query'],
      [{ query: 'x', deployment_name: 'hello' }, '/deployment_name'],
      [{ query: 'x', chat_history: [{ role: 'nobody', content: '' }] }, '/chat_history/0/role'],
    ] as const) {
      expect(await run(id, body)).toMatchObject({ status: 422, body: { errors: [{ pointer }] } })
    }
    expect(await run(randomUUID(), { query: 'x' })).toMatchObject({ status: 404, body: { code: 'workflow_not_found' } })
    expect(await run('nonsense', { query: 'x' })).toMatchObject({ status: 404 })
  })

  it('is streamed, and its events can be read again', async () => {
    const id = await studio.workflow()
    const response = await fetch(`${studio.url}/api/workflows/${id}/execute/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"streamed"}',
    })
    const events = await readEvents(response)
    const { execution_id } = events[0]!.data
    expect(events[0]!.data).toMatchObject({ status: 'started', deployment_id: '', deployment_name: '', workflow_id: id, test: true })
    expect(events.at(-1)!.data).toMatchObject({ status: 'completed', response: 'streamed' })
    const again = await readEvents(await fetch(`${studio.url}/api/executions/${execution_id}/events`))
    expect(again.map(({ id, data }) => [id, data])).toEqual(events.map(({ id, data }) => [id, data]))
  })

  it('is listed beside what is deployed, or apart', async () => {
    const id = await studio.workflow()
    const name = fresh('listed')
    await studio.deploy(id, name)
    const [first, second, third] = [
      (await run(id, { query: '1', session_id: name })).body.execution_id,
      (await studio.execute({ deployment_name: name, query: '2', session_id: name })).body.execution_id,
      (await run(id, { query: '3', environment: 'production' })).body.execution_id,
    ]
    for (const [query, expected] of [
      [`workflow_id=${id}`, [third, second, first]],
      [`workflow_id=${id}&test=true`, [third, first]],
      [`workflow_id=${id}&test=false`, [second]],
      [`workflow_id=${id}&test=true&limit=1`, [third]],
      [`workflow_id=${id}&environment=development`, [first]],
      [`workflow_id=${id}&status=completed`, [third, second, first]],
      [`workflow_id=${id}&status=failed`, []],
      [`workflow_id=${id}&release=1`, [second]],
      [`deployment_name=${name}`, [second]],
      [`session_id=${name}`, [second, first]],
      [`session_id=${name}&test=true`, [first]],
    ] as const) {
      expect([query, await listed(query)]).toEqual([query, expected])
    }
    const page = await studio.call('GET', `/api/executions?workflow_id=${id}&limit=2`)
    const next = /<([^>]+)>; rel="next"/.exec(page.headers.get('link')!)![1]!
    expect((await studio.call('GET', next.replace(studio.url, ''))).body).toMatchObject([{ execution_id: first, test: true }])
    expect((await studio.call('GET', '/api/executions?test=maybe')).status).toBe(422)
    const all = await listed('limit=500')
    expect([first, second, third].every((one) => all.includes(one))).toBe(true)
    expect(await listed('limit=500&test=false')).not.toContain(first)
  })

  it('can be cancelled, and be sent signals', async () => {
    const id = await studio.workflow(slow)
    const { body } = await run(id, { query: 'take 600 seconds' }, '/async')
    expect(body).toMatchObject({ test: true, deployment_id: '', release: 0 })
    expect((await studio.call('POST', `/api/executions/${body.execution_id}/cancel`)).body).toMatchObject({
      status: 'cancelled',
      test: true,
    })

    const waiting = await studio.workflow({ steps: [{ step_id: 'ok', step_type: 'approval', config: {} }] })
    const { execution_id } = (await run(waiting, { query: 'x' }, '/async')).body
    await until(async () => (await execution(execution_id)).status === 'waiting', 'the wait')
    const { body: approvals } = await studio.call('GET', '/api/approvals?limit=500')
    expect(approvals.find((one: { execution_id: string }) => one.execution_id === execution_id)).toMatchObject({ deployment_name: '' })
    expect((await studio.call('POST', `/api/executions/${execution_id}/approve`)).status).toBe(200)
    expect(await ended(execution_id)).toMatchObject({ status: 'completed' })
  })

  it('can be resumed after its workflow is gone, and be deleted, with what only it had', async () => {
    const model = models.model((request) => (request === 1 ? { status: 401 } : { text: 'mended' }))
    const id = await studio.workflow(agents({ agent_id: 'a', config: { model } }))
    const failed = await run(id, { query: 'x' })
    expect(failed.status).toBe(502)
    const { execution_id } = failed.body
    await studio.call('DELETE', `/api/workflows/${id}`)
    // Takes away the definitions that nothing refers to.
    const other = fresh('other')
    await studio.deployed(other, agents({ agent_id: other, config: { model: 'demo/echo' } }))
    await studio.call('DELETE', `/api/workflows/deployments/${other}`)
    expect((await studio.call('POST', `/api/executions/${execution_id}/resume`)).status).toBe(202)
    expect(await ended(execution_id)).toMatchObject({ status: 'completed', response: 'mended' })
    expect((await studio.call('DELETE', `/api/executions/${execution_id}`)).status).toBe(200)
    expect((await studio.call('GET', `/api/executions/${execution_id}`)).status).toBe(404)
  })

  it('has conversations of its own, by workflow and environment', async () => {
    const model = models.model((request) => ({ text: `answer ${request}` }))
    const id = await studio.workflow(agents({ agent_id: 'a', config: { model } }))
    const name = fresh('talks')
    await studio.deploy(id, name)
    const say = async (body: object) =>
      (await execution((await run(id, { session_id: 's', query: 'q', ...body })).body.execution_id)).remembered_turns
    expect([await say({}), await say({})]).toEqual([0, 1])
    expect(await say({ environment: 'production' })).toBe(0)
    const deployed = await studio.execute({ deployment_name: name, session_id: 's', query: 'q' })
    expect(await execution(deployed.body.execution_id)).toMatchObject({ remembered_turns: 0 })
    const other = await studio.workflow(agents({ agent_id: 'a', config: { model } }))
    expect(await execution((await run(other, { session_id: 's', query: 'q' })).body.execution_id)).toMatchObject({ remembered_turns: 0 })
  })

  it('is there once for one Idempotency-Key', async () => {
    const id = await studio.workflow()
    const again = () => studio.call('POST', `/api/workflows/${id}/execute`, { query: 'x' }, { 'idempotency-key': 'draft' })
    const [first, second] = [await again(), await again()]
    expect(second.body).toEqual(first.body)
    expect(await listed(`workflow_id=${id}`)).toEqual([first.body.execution_id])
  })
})

describe('with API keys', () => {
  let admin = ''
  beforeAll(async () => {
    admin = (await studio.call('POST', '/api/keys', { name: 'admin', scopes: ['admin'] })).body.key
  })
  const call = (method: string, path: string, body?: object, key = admin) =>
    studio.call(method, path, body, { authorization: `Bearer ${key}` })
  const make = async (fields: object): Promise<string> =>
    (await call('POST', '/api/keys', { name: fresh('key'), scopes: ['execute', 'execution:read'], ...fields })).body.key
  const workflow = async (): Promise<string> =>
    (await call('POST', '/api/workflows', { name: fresh('workflow'), configuration: echo })).body.workflow_id

  it('a draft is for those that may execute in its environment, and not for those of certain names', async () => {
    const id = await workflow()
    const ask = (key: string, fields: object = {}) => call('POST', `/api/workflows/${id}/execute`, { query: 'x', ...fields }, key)
    const named = await make({ deployment_pattern: 'support-*' })
    expect(await ask(named)).toMatchObject({ status: 403, body: { code: 'draft_outside_key' } })
    const production = await make({ environments: ['production'] })
    const { body } = await ask(production)
    expect(body).toMatchObject({ environment: 'production', test: true })
    expect(await ask(production, { environment: 'development' })).toMatchObject({ status: 422 })
    for (const [key, status] of [
      [production, 200],
      [named, 404],
      [await make({ environments: ['development'] }), 404],
    ] as const) {
      expect((await call('GET', `/api/executions/${body.execution_id}`, undefined, key)).status).toBe(status)
      const { body: drafts } = await call('GET', `/api/executions?workflow_id=${id}&test=true`, undefined, key)
      expect(drafts).toHaveLength(status === 200 ? 1 : 0)
    }
  })

  it('a draft that has secrets is for those that may deploy', async () => {
    const configuration = {
      steps: [{ step_id: 'out', step_type: 'http', config: { url: 'https://example.org', headers: { 'x-token': '{{ secrets.TOKEN }}' } } }],
    }
    const { workflow_id } = (await call('POST', '/api/workflows', { name: fresh('workflow'), configuration })).body
    const ask = async (scopes: string[], how: string) =>
      (await call('POST', `/api/workflows/${workflow_id}/execute${how}`, { query: 'x' }, await make({ scopes }))).body
    for (const how of ['', '/async', '/stream']) {
      expect(await ask(['execute', 'workflow:write'], how)).toMatchObject({ status: 403, code: 'scope_missing', scope: 'deploy' })
      // It is looked at: the environment lacks the secret.
      expect(await ask(['execute', 'deploy'], how)).toMatchObject({ status: 422, code: 'workflow_invalid' })
    }
  })

  it('each has a conversation of its own in one session, of drafts and deployments', async () => {
    const id = await workflow()
    const deployment_name = fresh('shared')
    await call('POST', `/api/workflows/${id}/deploy`, { deployment_name })
    const keys = [await make({}), await make({})]
    for (const [path, target] of [
      [`/api/workflows/${id}/execute`, {}],
      ['/api/workflows/execute', { deployment_name }],
    ] as const) {
      const remembered: number[] = []
      for (const key of [keys[0], keys[1], keys[0], keys[1], keys[0]]) {
        const { execution_id } = (await call('POST', path, { ...target, query: 'q', session_id: 's' }, key)).body
        remembered.push((await call('GET', `/api/executions/${execution_id}`)).body.remembered_turns)
      }
      expect(remembered).toEqual([0, 0, 1, 1, 2])
    }
  })
})
