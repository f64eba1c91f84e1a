import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { sign } from '../../src/nodes/notify/sign.ts'
import { until } from '../support/api.ts'
import { Collector, type Received } from '../support/collector.ts'
import { readMetrics, valueOf } from '../support/prometheus-text.ts'
import { useScriptedModels } from '../support/scripted-models.ts'
import { writeKeyFile } from '../support/secrets.ts'
import { removeFolder, temporaryFolder } from '../support/server.ts'
import { agents, echo, fresh, useStudio } from '../support/studio.ts'

const folder = temporaryFolder()
afterAll(() => removeFolder(folder))
const keyFile = writeKeyFile(folder)
const models = useScriptedModels()
const studio = useStudio(() => ({
  ...models.env(),
  AGENT_STUDIO_SECRET_KEY_FILE: keyFile,
  AGENT_STUDIO_PRIVATE_ADDRESSES: '127.0.0.1',
}))

const signing = `whsec_${randomBytes(24).toString('base64')}`
const secretName = 'FAILURE_HOOK'
const store = (name: string, value: string, environment = 'production') =>
  studio.call('PUT', `/api/secrets/${environment}/${name}`, { value })
beforeAll(() => store(secretName, signing))

let receiver: Collector
beforeEach(async () => {
  receiver = await Collector.start()
})
afterEach(() => receiver.stop())

const failing = () => models.model(() => ({ status: 400, body: { error: { message: 'it will not do that' } } }))
const hook = (url = `${receiver.url}/failures`) => ({ url, secret: `{{ secrets.${secretName} }}` })
const place = (name: string) => `/api/workflows/deployments/${name}`
const execute = (deployment_name: string) =>
  studio.call('POST', '/api/workflows/execute', { deployment_name, query: 'go', session_id: 's1', user_id: 'u1' })
const webhooks = async (id: string) => (await studio.call('GET', `/api/executions/${id}`)).body.webhooks
const tally = async (name: string) => (await studio.call('GET', place(name))).body.webhooks

async function deployed(on_failure: object, configuration: object = agents({ agent_id: 'a', config: { model: failing() } })) {
  const name = fresh('failing')
  const deployment = await studio.deployed(name, configuration, { runtime_config: { max_retries: 0, on_failure } })
  return { name, deployment }
}

function isSigned({ headers, body }: Received): boolean {
  const id = headers['webhook-id'] as string
  return headers['webhook-signature'] === sign({ id, timestamp: Number(headers['webhook-timestamp']), body }, signing)
}

describe('a failed execution', () => {
  it('is told of by a signed webhook, which it and its deployment show', async () => {
    const { name, deployment } = await deployed(hook())
    expect(deployment.runtime_config.on_failure).toEqual(hook())
    expect(await tally(name)).toEqual({ pending: 0, delivered: 0, given_up: 0, dropped: 0 })
    const { status, body: failed } = await execute(name)
    expect(status).toBe(502)
    await until(async () => (await webhooks(failed.execution_id))[0]?.status === 'delivered', 'the delivery')
    const [received, ...others] = receiver.received
    expect(others).toEqual([])
    expect(received).toMatchObject({ method: 'POST', url: '/failures', headers: { 'content-type': 'application/json' } })
    expect(isSigned(received!)).toBe(true)
    const execution = (await studio.call('GET', `/api/executions/${failed.execution_id}`)).body
    const { execution_id, deployment_id, workflow_id, release, session_id, user_id, tokens, created_at, started_at, ended_at } = execution
    expect(JSON.parse(received!.body)).toEqual({
      type: 'execution.failed',
      timestamp: ended_at,
      data: {
        execution_id,
        deployment_id,
        deployment_name: name,
        environment: 'production',
        workflow_id,
        release,
        session_id,
        user_id,
        status: 'failed',
        error: execution.error,
        tokens,
        created_at,
        started_at,
        ended_at,
      },
    })
    expect(execution.webhooks).toEqual([
      {
        webhook_id: received!.headers['webhook-id'],
        status: 'delivered',
        attempts: 1,
        created_at: ended_at,
        next_attempt_at: null,
        ended_at: expect.any(String),
        last_error: null,
      },
    ])
    expect(await tally(name)).toEqual({ pending: 0, delivered: 1, given_up: 0, dropped: 0 })
  })

  it('that is resumed and fails again is told of again, under another id', async () => {
    const { name } = await deployed(hook())
    const { execution_id } = (await execute(name)).body
    await until(async () => receiver.received.length === 1, 'the first')
    await studio.call('POST', `/api/executions/${execution_id}/resume`)
    await until(async () => receiver.received.length === 2, 'the second')
    const ids = receiver.received.map(({ headers }) => headers['webhook-id'])
    expect(new Set(ids).size).toBe(2)
    expect((await webhooks(execution_id)).map((one: { webhook_id: string }) => one.webhook_id)).toEqual(ids.toReversed())
  })

  it('that completed, or was cancelled, is not told of, nor one of a release without a receiver', async () => {
    const { name } = await deployed(hook(), echo)
    const { body } = await execute(name)
    expect(body.status).toBe('success')
    await studio.deployed(name, agents({ agent_id: 'a', config: { model: failing() } }), { runtime_config: {} })
    const without = await execute(name)
    expect([without.status, await webhooks(without.body.execution_id), await tally(name)]).toEqual([502, undefined, undefined])
    const other = await deployed(
      hook(),
      agents({ agent_id: 'a', config: { model: 'demo/assistant', system_prompt: 'You take 600 seconds.' } }),
    )
    const { execution_id, events } = await studio.startLong(other.name)
    await studio.call('POST', `/api/executions/${execution_id}/cancel`)
    await events
    expect(await webhooks(execution_id)).toEqual([])
    expect(receiver.received).toEqual([])
  })

  it('is told of after a kill, with the same id as before', async () => {
    receiver.replies = [{ hangs: true }]
    const { name } = await deployed(hook())
    const { execution_id } = (await execute(name)).body
    await until(async () => receiver.received.length === 1, 'the first attempt')
    expect(await webhooks(execution_id)).toMatchObject([{ status: 'pending', attempts: 0 }])
    await studio.crash()
    receiver.replies = [{}]
    await until(async () => (await webhooks(execution_id))[0].status === 'delivered', 'the delivery')
    const [first, second] = receiver.received
    expect([second!.headers['webhook-id'], second!.body]).toEqual([first!.headers['webhook-id'], first!.body])
    expect(receiver.received.every(isSigned)).toBe(true)
    await studio.crash()
    expect(await webhooks(execution_id)).toMatchObject([{ status: 'delivered', attempts: 1 }])
    expect(receiver.received).toHaveLength(2)
  })

  it('is told of although the process was killed right after its end', async () => {
    const { name } = await deployed(hook())
    const failed = await Promise.all(Array.from({ length: 20 }, () => execute(name)))
    await studio.crash()
    for (const { body } of failed) await until(async () => (await webhooks(body.execution_id))[0].status === 'delivered', 'each delivery')
    const told = new Set(receiver.received.map(({ body }) => JSON.parse(body).data.execution_id))
    expect(told).toEqual(new Set(failed.map(({ body }) => body.execution_id)))
  })

  it('is told of again after what the receiver could not take, and not after it is gone', async () => {
    receiver.replies = [{ status: 503 }, { status: 410 }]
    const { name } = await deployed(hook())
    const { execution_id } = (await execute(name)).body
    const first = await until(
      async () => (await webhooks(execution_id)).find((one: { attempts: number }) => one.attempts === 1),
      'the first',
    )
    expect(first).toMatchObject({ status: 'pending', last_error: 'The receiver answered with 503.' })
    expect(Date.parse(first.next_attempt_at) - Date.now()).toBeLessThan(6_000)
    await until(async () => (await webhooks(execution_id))[0].status === 'given_up', 'the end')
    expect(await webhooks(execution_id)).toMatchObject([{ attempts: 2, last_error: 'The receiver answered with 410.' }])
    expect(receiver.received[1]!.headers['webhook-id']).toBe(receiver.received[0]!.headers['webhook-id'])
    const metrics = readMetrics(await (await fetch(`${studio.url}/metrics`)).text())
    for (const outcome of ['failed', 'given_up']) {
      expect(valueOf(metrics, 'agent_studio_webhook_attempts_total', { outcome })).toBeGreaterThan(0)
    }
  })

  it('is not held up by the receiver of another deployment', async () => {
    const silent = await Collector.start()
    silent.replies = [{ hangs: true }]
    const [slow, quick] = [await deployed(hook(silent.url)), await deployed(hook())]
    await Promise.all(Array.from({ length: 5 }, () => execute(slow.name)))
    await until(async () => silent.received.length === 1, 'the attempt that is not answered')
    const { execution_id } = (await execute(quick.name)).body
    await until(async () => (await webhooks(execution_id))[0].status === 'delivered', 'the delivery', 10_000)
    expect(silent.received).toHaveLength(1)
    await studio.call('DELETE', place(slow.name))
    await silent.stop()
  })
})

describe('secrets', () => {
  it('in the URL are filled in, and shown nowhere', async () => {
    const token = randomBytes(12).toString('hex')
    await store('FAILURE_TOKEN', token)
    const closed = await Collector.start()
    const { host } = new URL(closed.url)
    await closed.stop()
    await store('FAILURE_URL', `http://${host}/${token}`)
    const { name } = await deployed(hook(`${receiver.url}/{{ secrets.FAILURE_TOKEN }}/x`))
    await execute(name)
    await until(async () => receiver.received.length === 1, 'the delivery')
    expect(receiver.received[0]!.url).toBe(`/${token}/x`)

    const whole = await deployed(hook('{{ secrets.FAILURE_URL }}'))
    const { execution_id } = (await execute(whole.name)).body
    const tried = await until(
      async () => (await webhooks(execution_id)).find((one: { attempts: number }) => one.attempts === 1),
      'the attempt',
    )
    expect(tried).toMatchObject({ status: 'pending', last_error: expect.stringContaining('{{ secrets.FAILURE_URL }}') })
    const shown = JSON.stringify([
      await studio.call('GET', `/api/executions/${execution_id}`),
      await studio.call('GET', place(whole.name)),
      await studio.call('GET', '/api/audit'),
    ])
    expect(shown).not.toContain(token)
    expect(shown).not.toContain(host)
    expect(shown).not.toContain(signing)
    await studio.call('DELETE', place(whole.name))
  })

  it('are needed where the release serves, and are used by it', async () => {
    const { name } = await deployed(hook())
    const { body } = await studio.call('GET', `/api/secrets/production/${secretName}`)
    expect(body.used_by.deployments).toContainEqual({ deployment_name: name, environment: 'production', status: 'active', release: 1 })
    const refused = await studio.call('DELETE', `/api/secrets/production/${secretName}`)
    expect([refused.status, refused.body.code]).toEqual([409, 'secret_in_use'])
    const workflow = await studio.workflow()
    const elsewhere = await studio.call('POST', `/api/workflows/${workflow}/deploy`, {
      deployment_name: name,
      environment: 'development',
      runtime_config: { on_failure: hook() },
    })
    expect([elsewhere.status, elsewhere.body.errors]).toEqual([
      422,
      [{ pointer: '/runtime_config/on_failure/secret', code: 'unknown_secret', message: expect.stringContaining('development') }],
    ])
    await studio.deploy(workflow, name, { runtime_config: {} })
    expect((await studio.call('GET', `/api/secrets/production/${secretName}`)).body.used_by.deployments).not.toContainEqual(
      expect.objectContaining({ deployment_name: name }),
    )
  })

  it('that are missing when they are used fail the attempt and not the execution', async () => {
    await store('FAILURE_GONE', 'gone with the wind')
    const { name } = await deployed({ url: receiver.url, secret: '{{ secrets.FAILURE_GONE }}' })
    expect((await studio.call('DELETE', '/api/secrets/production/FAILURE_GONE?force=true')).status).toBe(200)
    const { execution_id } = (await execute(name)).body
    await until(async () => (await webhooks(execution_id))[0].attempts === 1, 'the attempt')
    expect(await webhooks(execution_id)).toMatchObject([{ status: 'pending', last_error: expect.stringContaining('FAILURE_GONE') }])
    await store('FAILURE_GONE', 'back again')
    await until(async () => (await webhooks(execution_id))[0].status === 'delivered', 'the delivery')
  })
})

it('a deleted deployment, and a deleted execution, take their webhooks along', async () => {
  receiver.replies = [{ status: 500 }]
  const { name } = await deployed(hook())
  const ids = [(await execute(name)).body.execution_id, (await execute(name)).body.execution_id]
  for (const id of ids) await until(async () => (await webhooks(id))[0].attempts === 1, 'the attempt')
  expect((await studio.call('DELETE', `/api/executions/${ids[0]}`)).status).toBe(200)
  expect(await tally(name)).toMatchObject({ pending: 1 })
  await studio.call('DELETE', place(name))
  await until(async () => {
    const metrics = readMetrics(await (await fetch(`${studio.url}/metrics`)).text())
    return valueOf(metrics, 'agent_studio_webhooks_pending') === 0
  }, 'the removal')
})

const good = { url: 'https://example.org/hooks', secret: `{{ secrets.${secretName} }}` }
it.each([
  ['a URL of another protocol', { ...good, url: 'ftp://example.org' }, '/url', 'wrong_format'],
  ['a URL without a protocol', { ...good, url: 'example.org/hooks' }, '/url', 'wrong_format'],
  ['an empty URL', { ...good, url: '' }, '/url', 'too_short'],
  ['a long URL', { ...good, url: `https://example.org/${'x'.repeat(2_000)}` }, '/url', 'too_long'],
  ['a variable in the URL', { ...good, url: 'https://example.org/{{ variables.PATH }}' }, '/url', 'wrong_format'],
  ['a secret in the URL that there is not', { ...good, url: 'https://example.org/{{ secrets.NOBODY }}' }, '/url', 'unknown_secret'],
  ['a secret in plain text', { ...good, secret: 'whsec_abc' }, '/secret', 'wrong_format'],
  ['the bare name of a secret', { ...good, secret: secretName }, '/secret', 'wrong_format'],
  ['a secret that there is not', { ...good, secret: '{{ secrets.NOBODY }}' }, '/secret', 'unknown_secret'],
  ['no secret', { url: good.url }, '/secret', 'required'],
  ['no URL', { secret: good.secret }, '/url', 'required'],
  ['a field that there is not', { ...good, retries: 3 }, '/retries', 'unknown_field'],
  ['a mere URL', 'https://example.org', '', 'wrong_type'],
])('a receiver with %s is refused', async (_what, on_failure, pointer, code) => {
  const workflow = await studio.workflow()
  const name = fresh('failing')
  const { status, body } = await studio.call('POST', `/api/workflows/${workflow}/deploy`, {
    deployment_name: name,
    runtime_config: { on_failure },
  })
  expect([status, body.errors]).toEqual([422, [{ pointer: `/runtime_config/on_failure${pointer}`, code, message: expect.any(String) }]])
  expect((await studio.call('GET', place(name))).status).toBe(404)
})
