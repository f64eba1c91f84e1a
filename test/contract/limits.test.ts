import { describe, expect, it } from 'vitest'
import { readMetrics, valueOf } from '../support/prometheus-text.ts'
import { until, type Answer } from '../support/api.ts'
import { echo, fresh, slow, useStudio } from '../support/studio.ts'

const told = ({ headers }: Answer | Response) => [headers.get('ratelimit-policy'), headers.get('ratelimit')]
const outline = ({ status, body }: Answer) => [status, body.code]
const retryAfter = ({ headers }: Answer) => Number(headers.get('retry-after'))
const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1_000))

describe('a deployment with a concurrency', () => {
  const studio = useStudio()
  const start = (deployment_name: string) => studio.call('POST', '/api/workflows/execute/async', { deployment_name, query: 'x' })
  const inFlight = async (name: string) => (await studio.call('GET', `/api/workflows/deployments/${name}`)).body.in_flight
  const cancel = (id: string) => studio.call('POST', `/api/executions/${id}/cancel`)
  const statusOf = async (id: string) => (await studio.call('GET', `/api/executions/${id}`)).body.status

  it('runs so many executions, lets so many wait, and refuses the others until there is room', async () => {
    const name = fresh('narrow')
    await studio.deployed(name, slow, { runtime_config: { concurrency: { limit: 1, queue: 1 } } })
    const first = await start(name)
    const second = await start(name)
    expect([first.body.status, second.body.status]).toEqual(['running', 'queued'])
    const refused = await start(name)
    expect(outline(refused)).toEqual([429, 'deployment_busy'])
    expect(refused.body.retry_after).toBe(retryAfter(refused))
    expect(retryAfter(refused)).toBeGreaterThanOrEqual(1)
    expect(told(refused)).toEqual(['"deployment-concurrency";q=1;qu="concurrent-requests"', '"deployment-concurrency";r=0'])
    expect(await inFlight(name)).toEqual({ queued: 1, running: 1, waiting: 0 })

    await cancel(first.body.execution_id)
    await until(async () => (await statusOf(second.body.execution_id)) === 'running', 'the second to run')
    expect((await start(name)).body.status).toBe('queued')
    await studio.call('POST', `/api/workflows/deployments/${name}/stop`, { mode: 'cancel' })
    expect(await inFlight(name)).toEqual({ queued: 0, running: 0, waiting: 0 })
  })

  it('keeps nobody else waiting, and answers who waits for a queued execution', async () => {
    const [narrow, wide] = [fresh('narrow'), fresh('wide')]
    await studio.deployed(narrow, slow, { runtime_config: { concurrency: { limit: 1 } } })
    await studio.deployed(wide)
    const first = await start(narrow)
    await studio.deployed(narrow, echo)
    const waits = studio.execute({ deployment_name: narrow, query: 'and now?' })
    await until(async () => (await inFlight(narrow)).queued === 1, 'the second to wait')
    expect((await studio.execute({ deployment_name: wide, query: 'here' })).body.response).toBe('here')
    await cancel(first.body.execution_id)
    expect((await waits).body.response).toBe('and now?')
  })

  it('keeps its queue over a crash', async () => {
    const name = fresh('kept')
    await studio.deployed(name, slow, { runtime_config: { concurrency: { limit: 1 } } })
    const ids = [await start(name), await start(name), await start(name)].map(({ body }) => body.execution_id as string)
    await studio.crash()
    await until(async () => (await statusOf(ids[0]!)) === 'running', 'the first to go on')
    expect(await Promise.all(ids.map(statusOf))).toEqual(['running', 'queued', 'queued'])
    await cancel(ids[0]!)
    await until(async () => (await statusOf(ids[1]!)) === 'running', 'the second to run')
    expect(await statusOf(ids[2]!)).toBe('queued')
    await studio.call('POST', `/api/workflows/deployments/${name}/stop`, { mode: 'cancel' })
  })

  it('shows it, inherits it, and loses it, as any runtime configuration', async () => {
    const workflow = await studio.workflow()
    const name = fresh('config')
    const concurrency = { limit: 3, queue: 100 }
    const given = await studio.deploy(workflow, name, { runtime_config: { concurrency: { limit: 3 } } })
    expect(given.runtime_config).toEqual({ timeout: 300, max_retries: 3, concurrency })
    const inherited = await studio.deploy(await studio.workflow(slow), name)
    expect(inherited.runtime_config).toEqual(given.runtime_config)
    const { execution_id } = (await start(name)).body
    expect((await studio.call('GET', `/api/executions/${execution_id}`)).body.runtime_config).toEqual(given.runtime_config)
    const reset = await studio.deploy(workflow, name, { runtime_config: {} })
    expect(reset.runtime_config).toEqual({ timeout: 300, max_retries: 3 })
    expect([given, inherited, reset].map(({ release }) => release.number)).toEqual([1, 2, 3])
  })
})

describe('a deployment with a rate limit', () => {
  const studio = useStudio()
  const deployed = async (rate_limit: object) => {
    const name = fresh('rated')
    await studio.deployed(name, echo, { runtime_config: { rate_limit } })
    return { deployment_name: name, query: 'x' }
  }

  it('says on each answer how it stands, refuses what is beyond, and counts the refusals', async () => {
    const body = await deployed({ requests: 3, seconds: 60 })
    const policy = '"deployment";q=3;w=60'
    const first = await studio.execute(body)
    expect([first.status, ...told(first)]).toEqual([200, policy, '"deployment";r=2;t=20'])
    const second = await studio.call('POST', '/api/workflows/execute/async', body)
    expect([second.status, ...told(second)]).toEqual([202, policy, expect.stringMatching(/^"deployment";r=1;t=\d+$/)])
    const third = await studio.stream(body)
    expect([third.status, ...told(third)]).toEqual([200, policy, expect.stringMatching(/^"deployment";r=0;t=\d+$/)])
    await third.text()

    const refused = await studio.execute(body)
    expect(outline(refused)).toEqual([429, 'deployment_rate_limited'])
    expect(retryAfter(refused)).toBeGreaterThan(0)
    expect(retryAfter(refused)).toBeLessThanOrEqual(20)
    expect(refused.body.retry_after).toBe(retryAfter(refused))
    expect(told(refused)).toEqual([policy, `"deployment";r=0;t=${retryAfter(refused)}`])
    const executions = await studio.call('GET', `/api/executions?deployment_name=${body.deployment_name}`)
    expect(executions.body).toHaveLength(3)
    const metrics = readMetrics(await (await fetch(`${studio.url}/metrics`)).text())
    expect(valueOf(metrics, 'agent_studio_requests_limited_total', { limit: 'deployment' })).toBeGreaterThan(0)
  })

  it('takes the next one when it says', async () => {
    const body = await deployed({ requests: 1, seconds: 1 })
    expect((await studio.execute(body)).status).toBe(200)
    const refused = await studio.execute(body)
    expect(refused.status).toBe(429)
    await pause(retryAfter(refused))
    expect((await studio.execute(body)).status).toBe(200)
  })

  it('does not count a repeated request twice, and keeps no refusal for its key', async () => {
    const body = await deployed({ requests: 2, seconds: 2 })
    const send = (key: string) => studio.call('POST', '/api/workflows/execute', body, { 'idempotency-key': key })
    const first = await send('a')
    for (let repeat = 0; repeat < 3; repeat++) {
      const again = await send('a')
      expect([again.status, again.headers.get('idempotent-replayed'), again.body.execution_id]).toEqual([
        200,
        'true',
        first.body.execution_id,
      ])
    }
    const answers = [await send('b'), await send('c'), await send('d')]
    const refused = answers.findIndex(({ status }) => status === 429)
    expect(refused).toBeGreaterThan(0)
    await pause(retryAfter(answers[refused]!))
    const later = await send(['b', 'c', 'd'][refused]!)
    expect([later.status, later.headers.get('idempotent-replayed')]).toEqual([200, null])
  })
})

describe('an API key with limits', () => {
  const studio = useStudio()
  let admin: string | undefined
  const as = (key: string, method: string, path: string, body?: unknown) =>
    studio.call(method, path, body, { authorization: `Bearer ${key}` })
  const makeKey = async (fields: object): Promise<{ key: string; key_id: string }> => {
    // The first one is made without any.
    admin ??= (await studio.call('POST', '/api/keys', { name: 'admin', scopes: ['admin'] })).body.key as string
    return (await as(admin, 'POST', '/api/keys', { name: fresh('limited'), ...fields })).body
  }

  it('has so many requests of any kind, and is told how many remain', async () => {
    const { key, key_id } = await makeKey({ scopes: ['workflow:read'], rate_limit: { requests: 3, seconds: 60 } })
    const policy = '"key";q=3;w=60'
    const answers = []
    for (const path of ['/api/workflows', '/api/workflows/deployments/nobody', '/api/agents']) answers.push(await as(key, 'GET', path))
    expect(answers.map((one) => [one.status, ...told(one)])).toEqual([
      [200, policy, '"key";r=2;t=20'],
      [404, policy, expect.stringMatching(/^"key";r=1;t=\d+$/)],
      [200, policy, expect.stringMatching(/^"key";r=0;t=\d+$/)],
    ])
    const refused = await as(key, 'GET', '/api/workflows')
    expect(outline(refused)).toEqual([429, 'key_rate_limited'])
    expect(told(refused)).toEqual([policy, `"key";r=0;t=${retryAfter(refused)}`])

    expect((await as(admin!, 'GET', '/api/workflows')).status).toBe(200)
    expect((await as(key, 'GET', '/healthz')).status).toBe(200)
    const forbidden = await as(key, 'POST', '/api/agents', {})
    expect(outline(forbidden)).toEqual([429, 'key_rate_limited'])
    await as(admin!, 'PATCH', `/api/keys/${key_id}`, { rate_limit: { requests: 1_000, seconds: 60 } })
    expect(outline(await as(key, 'POST', '/api/agents', {}))).toEqual([403, 'scope_missing'])
    expect((await as(key, 'GET', '/api/workflows')).status).toBe(200)
    await as(admin!, 'PATCH', `/api/keys/${key_id}`, { rate_limit: null })
    expect(told(await as(key, 'GET', '/api/workflows'))).toEqual([null, null])
  })

  it('has both limits on one answer, its own and that of the deployment, also on a stream', async () => {
    const { key } = await makeKey({ scopes: ['execute'], rate_limit: { requests: 100, seconds: 10 } })
    const name = fresh('both')
    const { workflow_id } = (await as(admin!, 'POST', '/api/workflows', { name, configuration: echo })).body
    const runtime_config = { rate_limit: { requests: 10, seconds: 10 } }
    await as(admin!, 'POST', `/api/workflows/${workflow_id}/deploy`, { deployment_name: name, runtime_config })
    const both = ['"key";q=100;w=10, "deployment";q=10;w=10', expect.stringMatching(/^"key";r=\d+;t=1, "deployment";r=\d+;t=\d+$/)]
    expect(told(await as(key, 'POST', '/api/workflows/execute', { deployment_name: name, query: 'x' }))).toEqual(both)
    const stream = await fetch(`${studio.url}/api/workflows/execute/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ deployment_name: name, query: 'x' }),
    })
    expect(told(stream)).toEqual(both)
    await stream.text()
  })

  it('does not count what is repeated with an Idempotency-Key twice', async () => {
    const { key } = await makeKey({ scopes: ['workflow:write'], rate_limit: { requests: 4, seconds: 600 } })
    const body = { name: fresh('repeated'), configuration: {} }
    const send = () => studio.call('POST', '/api/workflows', body, { authorization: `Bearer ${key}`, 'idempotency-key': 'repeated' })
    const remaining = async () => Number(/r=(\d+)/.exec((await send()).headers.get('ratelimit')!)![1])
    expect(await remaining()).toBe(3)
    for (let repeat = 0; repeat < 5; repeat++) expect(await remaining()).toBe(2)
  })

  it('has so many executions queued or running', async () => {
    const { key } = await makeKey({ scopes: ['execute'], concurrency: 1 })
    const name = fresh('slow')
    const { workflow_id } = (await as(admin!, 'POST', '/api/workflows', { name, configuration: slow })).body
    await as(admin!, 'POST', `/api/workflows/${workflow_id}/deploy`, { deployment_name: name })
    const start = (by: string) => as(by, 'POST', '/api/workflows/execute/async', { deployment_name: name, query: 'x' })
    const first = await start(key)
    expect(first.status).toBe(202)
    const refused = await start(key)
    expect(outline(refused)).toEqual([429, 'key_busy'])
    expect(told(refused)).toEqual(['"key-concurrency";q=1;qu="concurrent-requests"', '"key-concurrency";r=0'])
    expect(retryAfter(refused)).toBeGreaterThan(0)
    expect((await start(admin!)).status).toBe(202)
    expect((await as(key, 'POST', `/api/executions/${first.body.execution_id}/cancel`)).status).toBe(200)
    expect((await start(key)).status).toBe(202)
  })
})
