import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stepKinds } from '../../src/nodes/kinds.ts'
import { until, type Answer } from '../support/api.ts'
import { startCountingServer, type CountingServer } from '../support/counting-server.ts'
import { useScriptedModels } from '../support/scripted-models.ts'
import { fresh, useStudio } from '../support/studio.ts'

/** Every kind of step as it succeeds, fails, is tried again, runs out of time and is cancelled; kills are in test/kill-each-kind.test.ts. */

/** What the other end does: answers, fails for good, fails the first time, or never answers. */
type Other = 'fine' | 'gone' | 'flaky' | 'silent'

let outside: CountingServer
const models = useScriptedModels()
const studio = useStudio(() => ({ ...models.env(), AGENT_STUDIO_PRIVATE_ADDRESSES: '127.0.0.1' }))
let inner = ''

const model: string = models.model(async () => {
  const { messages = [] } = models.requests(model).at(-1)!.body
  const answer = await fetch(String(messages.at(-1)!.content), { method: 'POST' })
  return answer.ok ? { text: 'spoken' } : { status: answer.status, body: { error: { message: 'the model says no' } } }
})

beforeAll(async () => {
  outside = await startCountingServer((path, times) => {
    if (path.endsWith('gone')) return 410
    return path.endsWith('flaky') && times === 1 ? 503 : 'fine'
  })
  inner = await studio.workflow({ steps: [{ step_id: 'asks', step_type: 'http', config: { method: 'POST', url: '{{ input.at }}' } }] })
})
afterAll(() => outside.close())

const step = (step_type: string, config: object): object => ({ steps: [{ step_id: 'x', step_type, config }] })
const around = (step_type: string, config: object, at: string): object => ({
  steps: [
    { step_id: 'x', step_type, config },
    { step_id: 'asks', step_type: 'http', config: { method: 'POST', url: at } },
  ],
  connections: [{ source_step_id: 'x', target_step_id: 'asks', source_handle: 'body' }],
})

/** Those that ask somebody: by what is asked, they do everything. */
const asking: Record<string, { graph: (at: string) => object; response: string; tried: string; failure?: string }> = {
  http: { graph: (at) => step('http', { method: 'POST', url: at }), response: 'fine', tried: 'x' },
  notify: { graph: (at) => step('notify', { url: at }), response: '{"status":200,…', tried: 'x' },
  agent: { graph: (at) => step('agent', { model, prompt: at }), response: 'spoken', tried: 'x#1', failure: 'model_refused' },
  map: { graph: (at) => around('map', { items: [1] }, at), response: '["fine"]', tried: 'x[0]/asks' },
  loop: { graph: (at) => around('loop', { until: 'iteration == 0' }, at), response: 'fine', tried: 'x[0]/asks' },
  workflow: { graph: (at) => step('workflow', { workflow_id: inner, input: { at } }), response: 'fine', tried: 'x/asks' },
}

/** Those that compute: what fails once fails always, so it is not tried again. */
const computing: Record<string, { works: object; response: string; fails: object; code: string }> = {
  transform: { works: { template: 'a {{ query }}' }, response: 'a go', fails: { template: '{{ input.none }}' }, code: 'template_failed' },
  branch: {
    works: { cases: [{ name: 'yes', when: "query == 'go'" }] },
    response: '{"case":"yes"}',
    fails: { cases: [{ name: 'yes', when: 'input.none' }] },
    code: 'template_failed',
  },
  output: { works: { value: ['{{ query }}'] }, response: '["go"]', fails: { template: '{{ input.none }}' }, code: 'template_failed' },
  code: { works: { source: 'return query.length' }, response: '2', fails: { source: 'return input.none.none' }, code: 'code_failed' },
}

/** Those that wait. */
const waiting: Record<string, { config: object; wake: (id: string) => Promise<unknown>; fails: object; code: string; response: RegExp }> = {
  wait: { config: { seconds: 1.3 }, wake: async () => {}, fails: { seconds: '{{ query }}' }, code: 'step_input_invalid', response: /^$/ },
  approval: {
    config: { message: 'May it?' },
    wake: (id) => studio.call('POST', `/api/executions/${id}/approve`),
    fails: { deadline: 0.01, on_deadline: 'fail' },
    code: 'approval_missed',
    response: /"decision":"approved"/,
  },
  signal: {
    config: { name: 'go' },
    wake: (id) => studio.call('POST', `/api/executions/${id}/signals/go`, { payload: 5 }),
    fails: { name: 'go', deadline: 0.01 },
    code: 'signal_missed',
    response: /"payload":5/,
  },
}

async function start(graph: object, runtime_config: object = {}): Promise<string> {
  const deployment_name = fresh('kind')
  await studio.deployed(deployment_name, graph, { runtime_config })
  const { body } = await studio.call('POST', '/api/workflows/execute/async', { deployment_name, query: 'go' })
  return body.execution_id
}

async function ended(id: string): Promise<Answer['body']> {
  return until(async () => {
    const { body } = await studio.call('GET', `/api/executions/${id}`)
    return body.ended_at !== null && body
  }, 'the end')
}

async function steps(id: string): Promise<Map<string, Answer['body']>> {
  const { body } = await studio.call('GET', `/api/executions/${id}/steps`)
  return new Map(body.map((one: { step_id: string }) => [one.step_id, one]))
}

/** An address of its own, that behaves like that. */
function at(kind: string, other: Other): string {
  const path = `/${fresh(kind)}-${other}`
  if (other === 'silent') outside.hold(path)
  return outside.url + path
}

const callsOf = (url: string): number => outside.count(new URL(url).pathname)

it('each kind is in one of the tables', () => {
  expect(new Set(Object.keys({ ...asking, ...computing, ...waiting }))).toEqual(new Set(stepKinds.keys()))
})

describe.each(Object.entries(asking))('a step of the kind %s', (kind, { graph, response, tried, failure = 'http_step_failed' }) => {
  it('gives what the other end answers', async () => {
    const url = at(kind, 'fine')
    const execution = await ended(await start(graph(url)))
    expect([execution.status, execution.response.slice(0, response.length - (response.endsWith('…') ? 1 : 0))]).toEqual([
      'completed',
      response.replace('…', ''),
    ])
    expect(callsOf(url)).toBe(1)
  })

  it('fails at once where another time would be no better', async () => {
    const url = at(kind, 'gone')
    const id = await start(graph(url))
    expect(await ended(id)).toMatchObject({ status: 'failed', error: { code: failure } })
    expect((await steps(id)).get(tried)).toMatchObject({ status: 'failed', attempts: [{ error: { code: failure } }] })
    expect(callsOf(url)).toBe(1)
  })

  it('is tried again where it may be', async () => {
    const url = at(kind, 'flaky')
    const id = await start(graph(url))
    expect(await ended(id)).toMatchObject({ status: 'completed' })
    expect((await steps(id)).get(tried)).toMatchObject({ status: 'completed', attempts: [{ error: expect.anything() }, {}] })
    expect(callsOf(url)).toBe(2)
  })

  it('ends with the timeout of the execution', async () => {
    const id = await start(graph(at(kind, 'silent')), { timeout: 1 })
    expect(await ended(id)).toMatchObject({ status: 'failed', error: { code: 'execution_timeout' } })
    for (const one of (await steps(id)).values())
      expect(one).toMatchObject({ status: 'failed', attempts: [{ ended_at: expect.any(String) }] })
  })

  it('ends when it is cancelled', async () => {
    const url = at(kind, 'silent')
    const id = await start(graph(url))
    await until(async () => callsOf(url) === 1, 'the call')
    expect((await studio.call('POST', `/api/executions/${id}/cancel`)).status).toBe(200)
    expect(await ended(id)).toMatchObject({ status: 'cancelled' })
    for (const one of (await steps(id)).values()) expect(one).toMatchObject({ status: 'cancelled' })
  })
})

describe.each(Object.entries(computing))('a step of the kind %s', (kind, { works, response, fails, code }) => {
  it('gives what it computes', async () => {
    expect(await ended(await start(step(kind, works)))).toMatchObject({ status: 'completed', response })
  })

  it('fails, and is not tried again', async () => {
    const id = await start(step(kind, fails), { max_retries: 5 })
    expect(await ended(id)).toMatchObject({ status: 'failed', error: { code } })
    expect((await steps(id)).get('x')).toMatchObject({ status: 'failed', attempts: [{ error: { code } }] })
  })

  it('keeps what it gave when the execution is cancelled, or runs out of time, later', async () => {
    const beside = (url: string): object => {
      const { steps } = step(kind, works) as { steps: object[] }
      return { steps: [...steps, { step_id: 'asks', step_type: 'http', config: { url }, dependencies: ['x'] }] }
    }
    const late = await start(beside(at(kind, 'silent')), { timeout: 1 })
    const url = at(kind, 'silent')
    const cancelled = await start(beside(url))
    await until(async () => callsOf(url) === 1, 'the call')
    await studio.call('POST', `/api/executions/${cancelled}/cancel`)
    expect(await ended(cancelled)).toMatchObject({ status: 'cancelled' })
    expect(await ended(late)).toMatchObject({ status: 'failed', error: { code: 'execution_timeout' } })
    for (const id of [late, cancelled]) expect((await steps(id)).get('x')).toMatchObject({ status: 'completed', attempts: [{}] })
  })
})

describe('a code step that is at work', () => {
  const endless = step('code', { source: 'for (;;);', timeout: 60 })
  it('ends with the timeout of the execution', async () => {
    expect(await ended(await start(endless, { timeout: 1 }))).toMatchObject({ error: { code: 'execution_timeout' } })
  })
  it('ends when it is cancelled', async () => {
    const id = await start(endless)
    await until(async () => (await steps(id)).has('x'), 'the step')
    await studio.call('POST', `/api/executions/${id}/cancel`)
    expect(await ended(id)).toMatchObject({ status: 'cancelled' })
  })
})

describe.each(Object.entries(waiting))('a step of the kind %s', (kind, { config, wake, fails, code, response }) => {
  const isThere = (id: string) => until(async () => (await steps(id)).has('x'), 'the wait')

  it('goes on when it is time, although that is later than the timeout', async () => {
    const id = await start(step(kind, config), { timeout: 1 })
    await isThere(id)
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    await wake(id)
    expect(await ended(id)).toMatchObject({ status: 'completed', response: expect.stringMatching(response) })
  })

  it('fails, and is not tried again', async () => {
    const id = await start(step(kind, fails), { max_retries: 5 })
    expect(await ended(id)).toMatchObject({ status: 'failed', error: { code } })
    expect((await steps(id)).get('x').attempts.length).toBeLessThanOrEqual(1)
  })

  it('ends when it is cancelled', async () => {
    const id = await start(step(kind, kind === 'wait' ? { seconds: 600 } : config))
    await isThere(id)
    await studio.call('POST', `/api/executions/${id}/cancel`)
    expect(await ended(id)).toMatchObject({ status: 'cancelled' })
    expect((await steps(id)).get('x')).toMatchObject({ status: 'cancelled' })
  })
})
