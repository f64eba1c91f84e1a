import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { until, type Answer } from '../support/api.ts'
import type { Reply } from '../support/scripted-model.ts'
import { useScriptedModels } from '../support/scripted-models.ts'
import { removeFolder, temporaryFolder } from '../support/server.ts'
import { agents, fresh, useStudio } from '../support/studio.ts'

const folder = temporaryFolder()
afterAll(() => removeFolder(folder))
const prices = join(folder, 'prices.json')
// A dollar for a thousand tokens. The provider 'ollama' has no price at all.
writeFileSync(prices, '{"openai/*": {"input": 1000, "output": 1000}}')
const models = useScriptedModels()
const studio = useStudio(() => ({ ...models.env(), AGENT_STUDIO_PRICES: prices }))

const usage = { input: 90, output: 10 }
const call = { name: 'calculator', arguments: '{"expression":"1+1"}' }
/** Each call uses 100 tokens, and costs 10 cents. */
const calling = (calls: number): ((request: number) => Reply) => {
  return (request) => (request % calls === 0 ? { text: 'done', usage } : { toolCalls: [call], usage })
}

const outline = ({ status, body }: Answer) => [status, body.code]
const place = (name: string) => `/api/workflows/deployments/${name}`
const today = async (name: string) => (await studio.call('GET', place(name))).body.budget_today
const execute = (deployment_name: string, headers?: Record<string, string>) =>
  studio.call('POST', '/api/workflows/execute', { deployment_name, query: 'go' }, headers)

async function deployed(budget: object, model: string) {
  const name = fresh('budget')
  const configuration = agents({ agent_id: 'a', config: { model, tools: ['calculator'] } })
  const deployment = await studio.deployed(name, configuration, { runtime_config: { budget } })
  return { name, deployment }
}

/** A test that would run over midnight in UTC is begun after it. */
async function earlyEnough(): Promise<void> {
  const left = 86_400_000 - (Date.now() % 86_400_000)
  if (left < 30_000) await new Promise((resolve) => setTimeout(resolve, left + 100))
}

describe('a budget of an execution', () => {
  it.each([
    [{ tokens: 250 }, 'tokens', 250, 300],
    [{ tokens: 300 }, 'tokens', 300, 300],
    [{ cost: 0.25 }, 'cost', 0.25, expect.closeTo(0.3)],
    [{ tokens: 100_000, cost: 0.21 }, 'cost', 0.21, expect.closeTo(0.3)],
  ])('of %j ends it before its next model call', async (per_execution, unit, allowed, used) => {
    const model = models.model(calling(10))
    const { name } = await deployed({ per_execution }, model)
    const answer = await execute(name)
    expect(outline(answer)).toEqual([422, 'budget_exceeded'])
    expect(answer.body).toMatchObject({ scope: 'execution', unit, allowed, used, step_id: 'a#4' })
    expect(models.requests(model)).toHaveLength(3)
    const { body } = await studio.call('GET', `/api/executions/${answer.body.execution_id}`)
    expect(body).toMatchObject({ status: 'failed', tokens: { total: 300 }, error: { code: 'budget_exceeded' } })
    const steps = (await studio.call('GET', `/api/executions/${body.execution_id}/steps`)).body
    expect(steps.at(-1)).toMatchObject({ step_id: 'a#4', status: 'failed', attempts: [{ error: { code: 'budget_exceeded' } }] })
  })

  it('lets it end that stays within it', async () => {
    const model = models.model(calling(3))
    const { name, deployment } = await deployed({ per_execution: { tokens: 201 } }, model)
    expect(deployment.runtime_config.budget).toEqual({ per_execution: { tokens: 201, on_exceeded: 'stop' } })
    expect((await execute(name)).body).toMatchObject({ status: 'success', tokens: { total: 300 } })
  })

  it('that only warns says so once in the stream, and ends nothing', async () => {
    const model = models.model(calling(4))
    const { name } = await deployed({ per_execution: { tokens: 100, on_exceeded: 'warn' } }, model)
    const text = await (await studio.stream({ deployment_name: name, query: 'go' })).text()
    const events = [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data!))
    expect(events.filter(({ type }) => type === 'budget')).toMatchObject([{ scope: 'execution', unit: 'tokens', allowed: 100, used: 100 }])
    expect(events.at(-1)).toMatchObject({ status: 'completed' })
  })

  it('counts what a workflow within the workflow uses', async () => {
    const model = models.model(calling(1))
    const inner = await studio.workflow(agents({ agent_id: 'inner', config: { model } }))
    const name = fresh('budget')
    await studio.deployed(
      name,
      {
        agents: [{ agent_id: 'last', config: { model } }],
        steps: [{ step_id: 'sub', step_type: 'workflow', config: { workflow_id: inner } }],
        connections: [{ source_step_id: 'sub', target_agent_id: 'last' }],
      },
      { runtime_config: { budget: { per_execution: { tokens: 100 } } } },
    )
    const answer = await execute(name)
    expect([answer.body.code, answer.body.used, answer.body.step_id]).toEqual(['budget_exceeded', 100, 'last#1'])
    expect(models.requests(model)).toHaveLength(1)
  })

  it('in US dollars lets no model be called whose price nobody knows', async () => {
    const unknown = agents({ agent_id: 'a', config: { model: 'gpt-x', base_url: 'https://llm.example.com/v1' } })
    const name = fresh('budget')
    await studio.deployed(name, unknown, { runtime_config: { budget: { per_day: { cost: 5 } } } })
    const { body } = await execute(name)
    expect(body).toMatchObject({ code: 'budget_exceeded', scope: 'day', unit: 'cost', allowed: 5 })
    expect(body.detail).toContain('has no price')
  })
})

describe('a budget of a day', () => {
  it('refuses new executions until the day ends, and says when that is', async () => {
    await earlyEnough()
    const model = models.model(calling(1))
    const { name } = await deployed({ per_day: { tokens: 200 } }, model)
    expect(await today(name)).toMatchObject({ used: { tokens: 0, cost: 0 }, exceeded: false })
    for (const used of [100, 200]) {
      expect((await execute(name)).status).toBe(200)
      expect(await today(name)).toMatchObject({ used: { tokens: used, cost: expect.closeTo(used / 1_000) }, exceeded: used === 200 })
    }
    const refused = await execute(name, { 'idempotency-key': 'again' })
    const left = Math.ceil((86_400_000 - (Date.now() % 86_400_000)) / 1_000)
    expect(outline(refused)).toEqual([429, 'deployment_budget_used'])
    expect(refused.body).toMatchObject({ unit: 'tokens', allowed: 200, used: 200 })
    const retryAfter = Number(refused.headers.get('retry-after'))
    expect([refused.body.retry_after, Math.abs(retryAfter - left) <= 2]).toEqual([retryAfter, true])
    expect(refused.headers.get('ratelimit-policy')).toBe('"deployment-budget-tokens";q=200;w=86400')
    expect(refused.headers.get('ratelimit')).toBe(`"deployment-budget-tokens";r=0;t=${retryAfter}`)
    const { day, ends_at } = await today(name)
    expect([day, ends_at]).toEqual([
      new Date().toISOString().slice(0, 10),
      new Date(Math.ceil(Date.now() / 86_400_000) * 86_400_000).toISOString(),
    ])

    const executions = await studio.call('GET', `/api/executions?deployment_name=${name}`)
    expect(executions.body).toHaveLength(2)
    await studio.crash()
    expect(outline(await execute(name))).toEqual([429, 'deployment_budget_used'])
    const { body: deployment } = await studio.call('GET', place(name))
    await studio.deploy(deployment.workflow.workflow_id, name, { runtime_config: { budget: { per_day: { tokens: 300 } } } })
    expect((await execute(name, { 'idempotency-key': 'again' })).status).toBe(200)
  })

  it('in US dollars is told in millionths of them', async () => {
    await earlyEnough()
    const { name } = await deployed({ per_day: { cost: 0.1 } }, models.model(calling(1)))
    expect((await execute(name)).status).toBe(200)
    const refused = await execute(name)
    expect(refused.body).toMatchObject({ unit: 'cost', allowed: 0.1 })
    expect(refused.headers.get('ratelimit-policy')).toBe('"deployment-budget-cost";q=100000;w=86400')
  })

  it('that refuses lets go on what has begun, and one that stops ends that before its next model call', async () => {
    await earlyEnough()
    for (const [on_exceeded, requests] of [
      ['refuse', 3],
      ['stop', 2],
    ] as const) {
      const model = models.model(calling(3))
      const { name } = await deployed({ per_day: { tokens: 150, on_exceeded } }, model)
      const answer = await execute(name)
      expect([answer.body.code ?? answer.body.status, models.requests(model).length]).toEqual([
        on_exceeded === 'stop' ? 'budget_exceeded' : 'success',
        requests,
      ])
      if (on_exceeded === 'stop') expect(answer.body).toMatchObject({ scope: 'day', allowed: 150, used: 200 })
      expect((await execute(name)).status).toBe(429)
      expect((await today(name)).used.tokens).toBe(100 * requests)
    }
  })

  it('that only warns refuses nobody', async () => {
    const { name } = await deployed({ per_day: { tokens: 1, on_exceeded: 'warn' } }, models.model(calling(1)))
    expect([(await execute(name)).status, (await execute(name)).status]).toEqual([200, 200])
    expect(await today(name)).toMatchObject({ exceeded: true, used: { tokens: 200 } })
  })

  it('counts each call once, whatever crashes and is resumed', async () => {
    await earlyEnough()
    const gate = Promise.withResolvers<void>()
    let isDown = true
    const model = models.model(async (request) => {
      if (request === 1) return { toolCalls: [call], usage }
      if (request === 2) await gate.promise
      return isDown ? { status: 400, body: { error: { message: 'no' } } } : { text: 'done', usage }
    })
    const { name } = await deployed({ per_day: { tokens: 10_000 } }, model)
    const { body } = await studio.call('POST', '/api/workflows/execute/async', { deployment_name: name, query: 'go' })
    await until(async () => models.requests(model).length === 2, 'the second call')
    expect((await today(name)).used.tokens).toBe(100)
    await studio.crash()
    await until(async () => models.requests(model).length === 3, 'the second call once more')
    gate.resolve()
    const status = async () => (await studio.call('GET', `/api/executions/${body.execution_id}`)).body.status
    await until(async () => (await status()) === 'failed', 'the failure')
    expect((await today(name)).used.tokens).toBe(100)
    isDown = false
    await studio.call('POST', `/api/executions/${body.execution_id}/resume`)
    await until(async () => (await status()) === 'completed', 'the end')
    expect((await today(name)).used.tokens).toBe(200)
    await studio.crash()
    expect((await today(name)).used.tokens).toBe(200)
  })
})

it('what a day has used is what its steps have used, however often the process is killed', async () => {
  await earlyEnough()
  const model = models.model(async () => {
    await new Promise((resolve) => setTimeout(resolve, 20))
    return { toolCalls: [call], usage }
  })
  const { name } = await deployed({ per_day: { tokens: 1_000_000 }, per_execution: { tokens: 1_000 } }, model)
  const start = () => studio.call('POST', '/api/workflows/execute/async', { deployment_name: name, query: 'go' })
  for (let kill = 1; kill <= 3; kill++) {
    const before = models.requests(model).length
    await Promise.all(Array.from({ length: 8 }, start))
    await until(async () => models.requests(model).length > before + 20 * kill, 'some calls')
    await studio.crash()
  }
  const { in_flight } = await until(async () => {
    const { body } = await studio.call('GET', place(name))
    return body.execution_count === 24 && body
  }, 'the ends')
  expect(in_flight).toEqual({ queued: 0, running: 0, waiting: 0 })
  const { body: executions } = await studio.call('GET', `/api/executions?deployment_name=${name}`)
  const used = executions.map(({ tokens }: { tokens: { total: number } }) => tokens.total)
  expect(used).toEqual(Array(24).fill(1_000))
  expect((await today(name)).used.tokens).toBe(24_000)
})

it('a deployment without a budget for the day shows none', async () => {
  const { name } = await deployed({ per_execution: { tokens: 5 } }, 'demo/echo')
  expect(await today(name)).toBeUndefined()
})

it.each([
  [{}, [['/runtime_config/budget', 'required']]],
  [{ per_day: {} }, [['/runtime_config/budget/per_day', 'required']]],
  [{ per_execution: { on_exceeded: 'warn' } }, [['/runtime_config/budget/per_execution', 'required']]],
  [
    { per_execution: { tokens: 0, cost: 0 } },
    [
      ['/cost', 'out_of_range'],
      ['/tokens', 'out_of_range'],
    ],
  ],
  [{ per_execution: { tokens: 1.5 } }, [['/tokens', 'wrong_type']]],
  [{ per_day: { cost: '5' } }, [['/cost', 'wrong_type']]],
  [{ per_day: { cost: 1_000_001 } }, [['/cost', 'out_of_range']]],
  [{ per_execution: { tokens: 1, on_exceeded: 'refuse' } }, [['/on_exceeded', 'not_allowed']]],
  [{ per_day: { tokens: 1, on_exceeded: 'fail' } }, [['/on_exceeded', 'not_allowed']]],
  [{ per_hour: { tokens: 1 } }, [['/per_hour', 'unknown_field']]],
  [5, [['/budget', 'wrong_type']]],
])('a budget of %j is refused', async (budget, problems) => {
  const workflow = await studio.workflow()
  const name = fresh('budget')
  const { status, body } = await studio.call('POST', `/api/workflows/${workflow}/deploy`, {
    deployment_name: name,
    runtime_config: { budget },
  })
  expect([status, body.code]).toEqual([422, 'invalid_input'])
  const found = body.errors.map(({ pointer, code }: { pointer: string; code: string }) => [pointer, code]).toSorted()
  expect(found).toEqual(problems.map(([pointer, code]) => [expect.stringMatching(new RegExp(`${pointer}$`)), code]))
  expect((await studio.call('GET', place(name))).status).toBe(404)
})
