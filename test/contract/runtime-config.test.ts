import { describe, expect, it } from 'vitest'
import type { Reply } from '../support/scripted-model.ts'
import { useScriptedModels } from '../support/scripted-models.ts'
import { agents, fresh, useStudio } from '../support/studio.ts'

const models = useScriptedModels()
const studio = useStudio(models.env)

/** A deployment of one agent on a model of its own. */
async function deployedOn(
  reply: (request: number) => Reply,
  runtime_config?: object,
  config: object = {},
): Promise<{ name: string; model: string }> {
  const [name, model] = [fresh('runtime'), models.model(reply)]
  await studio.deployed(name, agents({ agent_id: 'a', config: { ...config, model } }), { runtime_config })
  return { name, model }
}

const requests = (model: string) => models.requests(model).length
const failing: () => Reply = () => ({ status: 500, body: { error: { message: 'down' } } })
const hanging: () => Reply = () => ({ hang: true })

describe.concurrent('max_retries', () => {
  it.each([0, 2])('%i allows so many retries after the first attempt, and then the execution fails with 502', async (max_retries) => {
    const { name, model } = await deployedOn(failing, { max_retries })
    const { status, body } = await studio.execute({ deployment_name: name, query: 'x' })
    expect([status, body.code, body.execution_id]).toEqual([502, 'model_failed', expect.any(String)])
    expect(requests(model)).toBe(max_retries + 1)
    const [step] = (await studio.call('GET', `/api/executions/${body.execution_id}/steps`)).body
    expect(step.status).toBe('failed')
    expect(step.attempts.map((one: { number: number; error?: unknown }) => [one.number, one.error !== undefined])).toEqual(
      Array.from({ length: max_retries + 1 }, (_, index) => [index + 1, true]),
    )
  })

  it('is 3 where nothing is said', async () => {
    const { name, model } = await deployedOn(failing)
    expect((await studio.execute({ deployment_name: name, query: 'x' })).status).toBe(502)
    expect(requests(model)).toBe(4)
  })

  it('ends with the first attempt that succeeds', async () => {
    const { name, model } = await deployedOn((request) => (request < 3 ? failing() : { text: 'at last' }), { max_retries: 5 })
    expect((await studio.execute({ deployment_name: name, query: 'x' })).body).toMatchObject({ status: 'success', response: 'at last' })
    expect(requests(model)).toBe(3)
  })

  it.each([400, 401, 403, 404])('does not count for a %i, which is not retried', async (refusal) => {
    const { name, model } = await deployedOn(() => ({ status: refusal, body: { error: { message: 'no' } } }), { max_retries: 5 })
    const { status, body } = await studio.execute({ deployment_name: name, query: 'x' })
    expect([status, body.code]).toEqual([502, 'model_refused'])
    expect(requests(model)).toBe(1)
  })

  it('of the agent counts where it is lower', async () => {
    const { name, model } = await deployedOn(failing, { max_retries: 3 }, { max_retries: 1 })
    await studio.execute({ deployment_name: name, query: 'x' })
    expect(requests(model)).toBe(2)
  })

  it('of the agent does not count where it is higher', async () => {
    const { name, model } = await deployedOn(failing, { max_retries: 1 }, { max_retries: 20 })
    await studio.execute({ deployment_name: name, query: 'x' })
    expect(requests(model)).toBe(2)
  })

  it('is for each step, not for the execution', async () => {
    const name = fresh('steps')
    const call: Reply = { toolCalls: [{ name: 'helper', arguments: '{"query": "help"}' }] }
    // Each of the three steps fails once.
    const lead = models.model((request) => [failing(), call, failing(), { text: 'done' }][request - 1]!)
    const helper = models.model((request) => (request === 1 ? failing() : { text: 'helped' }))
    await studio.deployed(
      name,
      {
        agents: [
          { agent_id: 'lead', config: { model: lead } },
          { agent_id: 'helper', config: { model: helper } },
        ],
        connections: [{ source_agent_id: 'lead', target_agent_id: 'helper' }],
      },
      { runtime_config: { max_retries: 1 } },
    )
    expect((await studio.execute({ deployment_name: name, query: 'x' })).body).toMatchObject({ status: 'success', response: 'done' })
    expect([requests(lead), requests(helper)]).toEqual([4, 2])
  })
})

describe.concurrent('a retry', () => {
  it('never comes before Retry-After', async () => {
    const { name, model } = await deployedOn((request) =>
      request === 1 ? { status: 429, headers: { 'retry-after': '2' } } : { text: 'ok' },
    )
    expect((await studio.execute({ deployment_name: name, query: 'x' })).body.response).toBe('ok')
    const [first, second] = models.requests(model)
    expect(second!.at - first!.at).toBeGreaterThanOrEqual(2_000)
  })

  it('comes after a pause that grows', async () => {
    const pauses = await Promise.all(
      [1, 2, 3].map(async () => {
        const { name, model } = await deployedOn(failing, { max_retries: 3 })
        await studio.execute({ deployment_name: name, query: 'x' })
        const times = models.requests(model).map((one) => one.at)
        return { first: times[1]! - times[0]!, third: times[3]! - times[2]! }
      }),
    )
    // Each is twice the one before, less at most half for the jitter. The shortest of several, since a busy machine adds to them.
    expect(Math.min(...pauses.map((one) => one.third))).toBeGreaterThan(Math.min(...pauses.map((one) => one.first)))
  })
})

describe.concurrent('timeout', () => {
  it('ends an execution whose model does not answer, with 504 and its id', async () => {
    const { name } = await deployedOn(hanging, { timeout: 1 })
    const began = performance.now()
    const { status, body } = await studio.execute({ deployment_name: name, query: 'x' })
    expect(performance.now() - began).toBeGreaterThanOrEqual(1_000)
    expect([status, body.code]).toEqual([504, 'execution_timeout'])
    const execution = (await studio.call('GET', `/api/executions/${body.execution_id}`)).body
    expect(execution).toMatchObject({ status: 'failed', error: { code: 'execution_timeout' }, runtime_config: { timeout: 1 } })
  })

  it('is for the whole execution: it also ends the wait before a retry', async () => {
    const { name, model } = await deployedOn(() => ({ status: 429, headers: { 'retry-after': '60' } }), { timeout: 1, max_retries: 20 })
    const { status, body } = await studio.execute({ deployment_name: name, query: 'x' })
    expect([status, body.code]).toEqual([504, 'execution_timeout'])
    expect(requests(model)).toBe(1)
  })

  it('ends a stream with an error event', async () => {
    const { name } = await deployedOn(hanging, { timeout: 1 })
    const text = await (await studio.stream({ deployment_name: name, query: 'x' })).text()
    const last = JSON.parse(/data: (.*)\n\n$/.exec(text)![1]!)
    expect(last).toMatchObject({ type: 'status', status: 'error', code: 'execution_timeout', error: expect.stringContaining('1 second') })
  })
})

describe.concurrent('runtime_overrides', () => {
  it('count for the one execution, and what they leave out is as deployed', async () => {
    const { name, model } = await deployedOn(failing, { timeout: 77, max_retries: 3 })
    const { body } = await studio.execute({ deployment_name: name, query: 'x', runtime_overrides: { max_retries: 0, timeout: null } })
    expect(requests(model)).toBe(1)
    const execution = (await studio.call('GET', `/api/executions/${body.execution_id}`)).body
    expect(execution.runtime_config).toEqual({ timeout: 77, max_retries: 0 })
    expect((await studio.call('GET', `/api/workflows/deployments/${name}`)).body.runtime_config).toEqual({ timeout: 77, max_retries: 3 })
  })

  it('shorten the timeout', async () => {
    const { name } = await deployedOn(hanging)
    expect((await studio.execute({ deployment_name: name, query: 'x', runtime_overrides: { timeout: 1 } })).status).toBe(504)
  })
})

describe('the limits', () => {
  const places: [string, (value: object) => Promise<{ status: number; body: { errors?: { pointer: string }[] } }>][] = [
    [
      '/runtime_config',
      async (runtime_config) =>
        studio.call('POST', `/api/workflows/${await studio.workflow()}/deploy`, { deployment_name: fresh('limit'), runtime_config }),
    ],
    [
      '/runtime_overrides',
      async (runtime_overrides) => {
        const { deployment_name } = await studio.deployed(fresh('limit'))
        return studio.execute({ deployment_name, query: 'x', runtime_overrides })
      },
    ],
  ]
  it.each(places)('of %s are 1 to 86400 seconds and 0 to 20 retries', async (pointer, send) => {
    for (const fits of [{ timeout: 1 }, { timeout: 86_400 }, { max_retries: 0 }, { max_retries: 20 }, {}]) {
      expect([fits, (await send(fits)).status]).toEqual([fits, 200])
    }
    for (const timeout of [0, -1, 86_401, 1.5, '60', true, [60]]) {
      const { status, body } = await send({ timeout })
      expect([timeout, status, body.errors?.map((one) => one.pointer)]).toEqual([timeout, 422, [`${pointer}/timeout`]])
    }
    for (const max_retries of [-1, 21, 0.5, '3', {}]) {
      const { status, body } = await send({ max_retries })
      expect([max_retries, status, body.errors?.map((one) => one.pointer)]).toEqual([max_retries, 422, [`${pointer}/max_retries`]])
    }
    expect(await send({ retries: 3 })).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: `${pointer}/retries`, code: 'unknown_field' }] },
    })
  })
})
