import { describe, expect, it } from 'vitest'
import { readEvents, until } from '../support/api.ts'
import type { Reply } from '../support/scripted-model.ts'
import { useScriptedModels } from '../support/scripted-models.ts'
import { agents, fresh, slow, useStudio } from '../support/studio.ts'

const models = useScriptedModels()
const studio = useStudio(models.env)
const utc = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/

const execute = async (deployment_name: string, fields: object = {}): Promise<string> =>
  (await studio.execute({ deployment_name, query: 'x', ...fields })).body.execution_id

const list = async (query: string): Promise<string[]> => {
  const { status, body } = await studio.call('GET', `/api/executions?${query}`)
  expect([query, status]).toEqual([query, 200])
  return body.map((one: { execution_id: string }) => one.execution_id)
}

describe.concurrent('an execution', () => {
  it('is shown with what it was asked, what it ran on and how it ended', async () => {
    const name = fresh('shown')
    const { deployment_id, workflow } = await studio.deployed(name, undefined, {
      environment: 'development',
      runtime_config: { timeout: 9 },
    })
    const id = await execute(name, {
      query: 'é 🦄',
      chat_history: [{ actor: 'user', content: 'before' }],
      input: { order: [1, null, { deep: 'ü' }], '': null },
      session_id: 'session',
      user_id: 'user',
    })
    const { status, body } = await studio.call('GET', `/api/executions/${id}`)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      execution_id: id,
      deployment_id,
      deployment_name: name,
      environment: 'development',
      workflow_id: workflow.workflow_id,
      release: 1,
      status: 'completed',
      query: 'é 🦄',
      chat_history: [{ role: 'user', content: 'before' }],
      response: 'é 🦄',
      session_id: 'session',
      user_id: 'user',
      runtime_config: { timeout: 9, max_retries: 3 },
      error: null,
    })
    expect(body.input).toEqual({ order: [1, null, { deep: 'ü' }], '': null })
    for (const time of ['created_at', 'started_at', 'ended_at']) expect(body[time]).toMatch(utc)
    expect(Date.parse(body.ended_at)).toBeGreaterThanOrEqual(Date.parse(body.created_at))
  })

  it('runs before it has ended', async () => {
    const name = fresh('running')
    await studio.deployed(name, slow)
    const { execution_id } = await studio.startLong(name)
    expect((await studio.call('GET', `/api/executions/${execution_id}`)).body).toMatchObject({
      status: 'running',
      ended_at: null,
      response: null,
    })
    await studio.call('DELETE', `/api/workflows/deployments/${name}`)
  })

  it('is 404 where there is none', async () => {
    for (const id of ['00000000-0000-4000-8000-000000000000', 'not-a-uuid', '1']) {
      for (const rest of ['', '/steps']) {
        expect(await studio.call('GET', `/api/executions/${id}${rest}`)).toMatchObject({
          status: 404,
          body: { code: 'execution_not_found' },
        })
      }
    }
  })
})

describe.concurrent('the steps', () => {
  it('are what ran, in order, each with its attempts, input, output and tokens', async () => {
    const name = fresh('team')
    const replies: Reply[] = [
      { toolCalls: [{ name: 'helper', arguments: '{"query": "help me"}' }], usage: { input: 11, output: 3 } },
      { status: 500, body: { error: { message: 'down' } } },
      { text: 'helped', usage: { input: 5, output: 2 } },
      { text: 'done', usage: { input: 20, output: 4 } },
    ]
    const config = { model: models.model((request) => replies[request - 1]!) }
    await studio.deployed(name, {
      agents: [
        { agent_id: 'lead', config },
        { agent_id: 'helper', config },
      ],
      connections: [{ source_agent_id: 'lead', target_agent_id: 'helper' }],
    })
    const { body: answer } = await studio.execute({ deployment_name: name, query: 'x' })
    expect(answer.response).toBe('done')
    const { status, body: steps } = await studio.call('GET', `/api/executions/${answer.execution_id}/steps`)
    expect(status).toBe(200)
    const called = steps.filter((one: { kind: string }) => one.kind === 'model')
    expect(
      called.map((one: { status: string; attempts: object[]; tokens: object }) => [one.status, one.attempts.length, one.tokens]),
    ).toEqual([
      ['completed', 1, { input: 11, output: 3, total: 14 }],
      ['completed', 2, { input: 5, output: 2, total: 7 }],
      ['completed', 1, { input: 20, output: 4, total: 24 }],
    ])
    expect(new Set(steps.map((one: { step_id: string }) => one.step_id)).size).toBe(steps.length)
    for (const step of steps) {
      expect(step).toMatchObject({ step_id: expect.any(String), kind: expect.any(String), name: expect.any(String), cost: null })
      expect(step).toHaveProperty('input')
      expect(step).toHaveProperty('output')
      for (const attempt of step.attempts) {
        expect(attempt).toMatchObject({
          number: expect.any(Number),
          started_at: expect.stringMatching(utc),
          ended_at: expect.stringMatching(utc),
        })
      }
    }
    const [failed, succeeded] = called[1].attempts
    expect(failed).toMatchObject({ number: 1, error: { code: 'model_failed', message: expect.stringContaining('down') } })
    expect(succeeded.number).toBe(2)
    expect(succeeded).not.toHaveProperty('error')
    expect((await studio.call('GET', `/api/executions/${answer.execution_id}`)).body.tokens).toEqual({ input: 36, output: 9, total: 45 })
  })

  it('come in pages by limit and cursor', async () => {
    const name = fresh('pages')
    await studio.deployed(name, {
      agents: [
        { agent_id: 'lead', config: { model: 'demo/assistant' } },
        ...['b', 'c'].map((agent_id) => ({ agent_id, config: { model: 'demo/echo' } })),
      ],
      connections: ['b', 'c'].map((target_agent_id) => ({ source_agent_id: 'lead', target_agent_id })),
    })
    const id = await execute(name)
    const all = (await studio.call('GET', `/api/executions/${id}/steps`)).body
    expect(all.length).toBeGreaterThan(2)
    const paged: unknown[] = []
    for (let next: string | undefined = `/api/executions/${id}/steps?limit=2`; next;) {
      const { body, headers } = await studio.call('GET', next)
      expect(body.length).toBeLessThanOrEqual(2)
      paged.push(...body)
      next = /^<([^>]+)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1]
    }
    expect(paged).toEqual(all)
  })
})

describe.concurrent('the list', () => {
  it('is newest first, and each filter narrows it', async () => {
    const [name, other, part] = [fresh('list'), fresh('list'), fresh('session')]
    const { workflow } = await studio.deployed(
      name,
      agents({ agent_id: 'a', config: { model: 'demo/assistant', system_prompt: 'call no tools' } }),
    )
    await studio.deploy(workflow.workflow_id, other, { environment: 'development' })
    const first = await execute(name, { session_id: part })
    const failed = await execute(name, { query: 'fail for good' })
    await studio.deploy(workflow.workflow_id, name, { force: true })
    const third = await execute(name)
    const elsewhere = await execute(other, { session_id: part })

    expect(await list(`workflow_id=${workflow.workflow_id}`)).toEqual([elsewhere, third, failed, first])
    expect(await list(`deployment_name=${name}`)).toEqual([third, failed, first])
    expect(await list(`workflow_id=${workflow.workflow_id}&environment=development`)).toEqual([elsewhere])
    expect(await list(`deployment_name=${name}&environment=development`)).toEqual([])
    expect(await list(`deployment_name=${name}&status=failed`)).toEqual([failed])
    expect(await list(`deployment_name=${name}&status=completed`)).toEqual([third, first])
    expect(await list(`deployment_name=${name}&status=cancelled`)).toEqual([])
    expect(await list(`deployment_name=${name}&release=1`)).toEqual([failed, first])
    expect(await list(`deployment_name=${name}&release=2`)).toEqual([third])
    expect(await list(`session_id=${part}`)).toEqual([elsewhere, first])
    expect(await list(`session_id=${part}&deployment_name=${name}&status=completed&release=1`)).toEqual([first])
    const mine = [elsewhere, third, failed, first]
    expect((await list('limit=500')).filter((id) => mine.includes(id))).toEqual(mine)
  })

  it('takes from (that time or later) and to (before that time), in any offset', async () => {
    const name = fresh('times')
    await studio.deployed(name)
    const ids = [await execute(name), await execute(name), await execute(name)]
    const created = await Promise.all(ids.map(async (id) => (await studio.call('GET', `/api/executions/${id}`)).body.created_at as string))
    expect(new Set(created).size).toBe(3)
    const [, middle] = created
    expect(await list(`deployment_name=${name}&from=${middle}`)).toEqual([ids[2], ids[1]])
    expect(await list(`deployment_name=${name}&to=${middle}`)).toEqual([ids[0]])
    expect(await list(`deployment_name=${name}&from=${middle}&to=${created[2]}`)).toEqual([ids[1]])
    const offset = new Date(Date.parse(middle!) + 7_200_000).toISOString().replace('Z', '+02:00')
    expect(await list(`deployment_name=${name}&from=${encodeURIComponent(offset)}`)).toEqual([ids[2], ids[1]])
  })

  it('gives pages that neither repeat nor miss one, also while new ones come', async () => {
    const name = fresh('pages')
    await studio.deployed(name)
    const ids: string[] = []
    for (let count = 0; count < 5; count++) ids.unshift(await execute(name))
    const paged: string[] = []
    for (let next: string | undefined = `/api/executions?deployment_name=${name}&limit=2`; next;) {
      const { body, headers } = await studio.call('GET', next)
      paged.push(...body.map((one: { execution_id: string }) => one.execution_id))
      await execute(name)
      next = /^<([^>]+)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1]
    }
    expect(paged).toEqual(ids)
  })

  it('gives no Link header on the last page', async () => {
    const name = fresh('last')
    await studio.deployed(name)
    await execute(name)
    await execute(name)
    expect((await studio.call('GET', `/api/executions?deployment_name=${name}&limit=2`)).headers.get('link')).toBeNull()
    expect((await studio.call('GET', `/api/executions?deployment_name=${name}&limit=1`)).headers.get('link')).toContain('rel="next"')
  })

  it('gives 50 where no limit is asked', async () => {
    const name = fresh('fifty')
    await studio.deployed(name)
    await Promise.all(Array.from({ length: 51 }, () => execute(name)))
    expect(await list(`deployment_name=${name}`)).toHaveLength(50)
    expect(await list(`deployment_name=${name}&limit=500`)).toHaveLength(51)
  })

  it('shows of each what the execution itself shows', async () => {
    const name = fresh('same')
    await studio.deployed(name)
    const id = await execute(name)
    const [listed] = (await studio.call('GET', `/api/executions?deployment_name=${name}`)).body
    expect((await studio.call('GET', `/api/executions/${id}`)).body).toMatchObject(listed)
  })

  it('refuses a filter that is none, with its name as the pointer', async () => {
    const wrong = [
      'status=done',
      'release=0',
      'release=one',
      'limit=501',
      'limit=0',
      'from=yesterday',
      'to=2026-13-01T00:00:00Z',
      'from=2026-12-31T23:59:60Z',
      'to=2026-01-01T00:00:00Z[Europe/Paris]',
      'cursor=x',
      'name=a',
    ]
    for (const query of wrong) {
      const { status, body } = await studio.call('GET', `/api/executions?${query}`)
      expect([query, status, body.errors?.[0].pointer]).toEqual([query, 422, `?${query.split('=')[0]}`])
    }
  })
})

it.concurrent('are queued, running or waiting only while they are in flight', async () => {
  const name = fresh('states')
  const held = models.held()
  await studio.deployed(name, agents({ agent_id: 'a', config: { model: held.model } }))
  const answer = studio.execute({ deployment_name: name, query: 'x' })
  await until(async () => (await list(`deployment_name=${name}&status=running`)).length === 1, 'it runs')
  held.answer('ended')
  await answer
  expect(await list(`deployment_name=${name}&status=running`)).toEqual([])
  expect(await list(`deployment_name=${name}&status=completed`)).toHaveLength(1)
})

describe('the counters of a deployment', () => {
  const assistant = agents({ agent_id: 'a', config: { model: 'demo/assistant' } })
  const record = async (name: string) => (await studio.call('GET', `/api/workflows/deployments/${name}`)).body

  it.concurrent('count executions when they end, the failed ones also as errors', async () => {
    const name = fresh('counted')
    await studio.deployed(name, assistant)
    expect(await record(name)).toMatchObject({ execution_count: 0, error_count: 0, last_executed: null, last_error: null })

    await studio.execute({ deployment_name: name, query: 'fine' })
    const one = await record(name)
    expect(one).toMatchObject({ execution_count: 1, error_count: 0, last_error: null })
    expect(Date.parse(one.last_executed)).toBeGreaterThanOrEqual(Date.parse(one.deployed_at))

    const failed = await studio.execute({ deployment_name: name, query: 'fail for good' })
    expect(await record(name)).toMatchObject({ execution_count: 2, error_count: 1, last_error: failed.body.detail })

    await readEvents(await studio.stream({ deployment_name: name, query: 'streamed' }))
    await readEvents(await studio.stream({ deployment_name: name, query: 'fail for good' }))
    expect(await record(name)).toMatchObject({ execution_count: 4, error_count: 2 })

    const timedOut = await studio.execute({ deployment_name: name, query: 'take 60 seconds', runtime_overrides: { timeout: 1 } })
    expect(timedOut.status).toBe(504)
    expect(await record(name)).toMatchObject({ execution_count: 5, error_count: 3, last_error: timedOut.body.detail })
  })

  it.concurrent('count neither what is in flight nor what was never admitted', async () => {
    const name = fresh('flight')
    const held = models.held()
    await studio.deployed(name, agents({ agent_id: 'a', config: { model: held.model } }))
    const answer = studio.execute({ deployment_name: name, query: 'x' })
    await until(async () => (await record(name)).in_flight.running === 1, 'it runs')
    expect((await record(name)).execution_count).toBe(0)
    held.answer('ended')
    await answer
    expect((await record(name)).execution_count).toBe(1)
    await studio.execute({ deployment_name: name })
    await studio.call('POST', `/api/workflows/deployments/${name}/stop`)
    await studio.execute({ deployment_name: name, query: 'refused' })
    expect(await record(name)).toMatchObject({ execution_count: 1, error_count: 0, last_error: null })
  })

  it.concurrent('count one execution once, however often its steps are retried', async () => {
    const name = fresh('retried')
    await studio.deployed(name, assistant)
    expect((await studio.execute({ deployment_name: name, query: 'fail once' })).status).toBe(200)
    expect(await record(name)).toMatchObject({ execution_count: 1, error_count: 0 })
  })

  it.concurrent('count for the deployment and for no other of its workflow', async () => {
    const [one, two] = [fresh('one'), fresh('two')]
    const { workflow } = await studio.deployed(one)
    await studio.deploy(workflow.workflow_id, two)
    await studio.execute({ deployment_name: one, query: 'x' })
    expect([(await record(one)).execution_count, (await record(two)).execution_count]).toEqual([1, 0])
  })

  it.concurrent('lose none of many that end at the same time', async () => {
    const name = fresh('many')
    await studio.deployed(name, assistant)
    const queries = Array.from({ length: 40 }, (_, index) => (index % 4 === 0 ? 'fail for good' : 'ok'))
    await Promise.all(queries.map((query) => studio.execute({ deployment_name: name, query })))
    expect(await record(name)).toMatchObject({ execution_count: 40, error_count: 10 })
  })

  it.concurrent('are the same wherever the deployment is shown', async () => {
    const name = fresh('shown')
    const { workflow, deployment_id } = await studio.deployed(name)
    await studio.execute({ deployment_name: name, query: 'x' })
    const { in_flight: _, hold: __, ...shown } = await record(name)
    const find = (list: { deployment_id: string }[]) => list.find((one) => one.deployment_id === deployment_id)
    expect(shown.execution_count).toBe(1)
    expect(find((await studio.call('GET', '/api/workflows/deployments/active')).body)).toEqual(shown)
    expect(find((await studio.call('GET', `/api/workflows/${workflow.workflow_id}`)).body.workflow_deployments)).toEqual(shown)
  })
})
