import { beforeAll, describe, expect, it } from 'vitest'
import type { OpenApiDocument } from '../../src/http/openapi.ts'
import { readEvents, until, type Answer } from '../support/api.ts'
import { posts, shownOnce, withKeys } from '../support/posts.ts'
import { agents, echo, fresh, useStudio } from '../support/studio.ts'

/** A POST that is sent again, with the `Idempotency-Key` that it had. */

const studio = useStudio()

interface Answered extends Answer {
  text: string
}

async function answered(response: Response): Promise<Answered> {
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json')
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined }
}

const send = (path: string, body: object | string | undefined, headers: Record<string, string>, signal?: AbortSignal): Promise<Response> =>
  fetch(studio.url + path, {
    method: 'POST',
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    ...(signal && { signal }),
  })
const post = async (path: string, body: object | string | undefined, key: string): Promise<Answered> =>
  answered(await send(path, body, { 'idempotency-key': key }))
const get = async (path: string) => (await studio.call('GET', path)).body
const isReplayed = ({ headers }: Answered) => headers.get('idempotent-replayed') === 'true'
const outline = ({ status, body, headers }: Answered) => [status, body?.code, headers.get('idempotent-replayed')]
const executionsOf = (name: string) => get(`/api/executions?deployment_name=${name}`)

const slowly = agents({ agent_id: 'a', config: { model: 'demo/assistant' } })
const long = 'take 600 seconds'

describe('every POST', () => {
  let document: OpenApiDocument
  beforeAll(async () => {
    document = await get('/openapi.json')
  })
  const documented = () => Object.entries(document.paths).filter(([, item]) => item['post'])

  it('is among those that are tried here', () => {
    expect(
      documented()
        .map(([path]) => path)
        .sort(),
    ).toEqual([...Object.keys(posts), ...shownOnce, ...withKeys].sort())
  })

  it('documents the header', () => {
    expect(document.components.parameters['IdempotencyKey']).toMatchObject({ name: 'Idempotency-Key', in: 'header', required: false })
    for (const [, item] of documented()) {
      expect(item['post']!.parameters).toContainEqual({ $ref: '#/components/parameters/IdempotencyKey' })
    }
  })

  it.each(Object.keys(posts))('%s, repeated, gets its first answer again and has no second effect', async (route) => {
    const { path, body, effects } = await posts[route]!(studio.call)
    const key = fresh('key')
    const first = await post(path, body, key)
    expect([first.status < 300, isReplayed(first)]).toEqual([true, false])
    for (let times = 0; times < 2; times++) {
      const again = await post(path, body, key)
      expect([again.status, again.text]).toEqual([first.status, first.text])
      const { date: _date, 'idempotent-replayed': replayed, ...headers } = Object.fromEntries(again.headers)
      const { date: _first, ...expected } = Object.fromEntries(first.headers)
      expect([replayed, headers]).toEqual(['true', expected])
    }
    expect((await effects?.()) ?? 1).toBe(1)
  })

  it.each(Object.keys(posts))('%s takes no key that is none', async (route) => {
    const { path, body } = await posts[route]!(studio.call)
    const { status, body: problem } = await post(path, body, 'with space')
    expect([status, problem.code, problem.errors]).toMatchObject([
      422,
      'invalid_input',
      [{ pointer: 'Idempotency-Key', code: 'wrong_format' }],
    ])
  })
})

describe('a key', () => {
  const make = (name: string) => ({ name, configuration: { agents: [], metadata: { a: 1, b: 2 } } })
  const count = async (name: string) => (await get('/api/workflows?limit=1000')).filter((one: { name: string }) => one.name === name).length

  it.each(['!', '"8e03978e-40d5"', '~'.repeat(255)])('may be any visible ASCII characters: %s', async (key) => {
    const body = make(fresh('w'))
    expect(isReplayed(await post('/api/workflows', body, key))).toBe(false)
    expect(isReplayed(await post('/api/workflows', body, key))).toBe(true)
  })

  it.each(['', 'x'.repeat(256), 'é', 'a\tb', 'one, two'])('must not be "%s"', async (key) => {
    const name = fresh('w')
    const { status, body } = await post('/api/workflows', make(name), key)
    expect([status, body.code, body.errors[0].pointer]).toEqual([422, 'invalid_input', 'Idempotency-Key'])
    expect(await count(name)).toBe(0)
  })

  it('must not be sent twice, and what is wrong with it is named together with all else', async () => {
    const headers = new Headers([
      ['idempotency-key', 'a'],
      ['idempotency-key', 'b'],
      ['content-type', 'application/json'],
    ])
    const response = await fetch(`${studio.url}/api/workflows?x=1`, { method: 'POST', headers, body: '{"name":1}' })
    const { errors } = (await response.json()) as { errors: { pointer: string }[] }
    expect(errors.map(({ pointer }) => pointer)).toEqual(['?x', '/configuration', '/name', 'Idempotency-Key'])
  })

  it('with another body or query belongs to another request, which is refused', async () => {
    const [key, name, other] = [fresh('key'), fresh('w'), fresh('w')]
    await post('/api/workflows', make(name), key)
    const reused = await post('/api/workflows', make(other), key)
    expect(outline(reused)).toEqual([422, 'idempotency_key_reused', null])
    expect(reused.body.detail).toContain(key)
    expect(await count(other)).toBe(0)

    const deployment = fresh('two')
    const workflow = await studio.workflow(echo)
    for (const environment of ['development', 'production']) await studio.deploy(workflow, deployment, { environment })
    const stop = `/api/workflows/deployments/${deployment}/stop`
    await post(`${stop}?environment=production`, undefined, key)
    expect(outline(await post(`${stop}?environment=development`, undefined, key))).toEqual([422, 'idempotency_key_reused', null])
    expect(await get(`/api/workflows/deployments/${deployment}?environment=development`)).toMatchObject({ status: 'active' })
  })

  it('finds the same request in another order of its fields, with null for what is absent, and with a slash at the end', async () => {
    const [key, name] = [fresh('key'), fresh('w')]
    await post('/api/workflows', make(name), key)
    const same = `{"configuration": {"metadata": {"b": 2, "a": 1.0}, "agents": []}, "description": null, "name": "${name}"}`
    expect(outline(await post('/api/workflows/', same, key))).toEqual([200, undefined, 'true'])
    expect(await count(name)).toBe(1)
  })

  it('finds an empty body where {} was sent', async () => {
    const deployment = fresh('empty')
    await studio.deployed(deployment)
    const stop = `/api/workflows/deployments/${deployment}/stop`
    const key = fresh('key')
    const first = await post(stop, {}, key)
    const again = await post(stop, undefined, key)
    expect([isReplayed(again), again.text]).toEqual([true, first.text])
  })

  it('means nothing on another address, nor to another method', async () => {
    const [key, name] = [fresh('key'), fresh('w')]
    const first = await post('/api/workflows', make(name), key)
    expect(isReplayed(await post(`/api/workflows/${first.body.workflow_id}/validate`, undefined, key))).toBe(false)
    const path = `/api/workflows/${first.body.workflow_id}`
    for (const description of ['one', 'two']) {
      const { body, headers } = await studio.call('PUT', path, { description }, { 'idempotency-key': key })
      expect([body.description, headers.get('idempotent-replayed')]).toEqual([description, null])
    }
    expect((await studio.call('GET', path, undefined, { 'idempotency-key': 'not a key' })).status).toBe(200)
  })

  it('is not used up by what fails before anything is begun', async () => {
    const [key, name] = [fresh('key'), fresh('w')]
    const headers = { 'idempotency-key': key }
    const statuses = [
      (await send('/api/workflows', '{"name": ', headers)).status,
      (await send('/api/workflows', JSON.stringify(make(name)), { ...headers, 'content-type': 'text/plain' })).status,
      (await send('/api/workflows', 'x'.repeat(1_000_001), headers)).status,
      (await send('/api/workflows', { name, more: 1 }, headers)).status,
      (await send('/api/workflows', make(name), { ...headers, 'sec-fetch-site': 'cross-site' })).status,
    ]
    expect(statuses).toEqual([400, 415, 413, 422, 403])
    expect(outline(await post('/api/workflows', make(name), key))).toEqual([200, undefined, null])
  })

  it('keeps what the operation itself refuses, also when it would take it now', async () => {
    const workflow = await studio.workflow({ agents: [] })
    const [key, deployment_name] = [fresh('key'), fresh('later')]
    const deploy = `/api/workflows/${workflow}/deploy`
    const first = await post(deploy, { deployment_name }, key)
    expect(outline(first)).toEqual([422, 'workflow_invalid', null])
    await studio.call('PUT', `/api/workflows/${workflow}`, { configuration: echo })
    const again = await post(deploy, { deployment_name }, key)
    expect([isReplayed(again), again.text, again.headers.get('content-type')]).toEqual([true, first.text, 'application/problem+json'])
    const none = '/api/workflows/00000000-0000-7000-8000-000000000000/validate'
    expect(outline(await post(none, {}, key))).toEqual([404, 'workflow_not_found', null])
    expect(outline(await post(none, {}, key))).toEqual([404, 'workflow_not_found', 'true'])
  })

  it('does not keep a conflict, which may pass', async () => {
    const [key, name] = [fresh('key'), fresh('w')]
    const { body } = await post('/api/workflows', make(name), fresh('key'))
    for (let times = 0; times < 2; times++)
      expect(outline(await post('/api/workflows', make(name), key))).toEqual([409, 'workflow_exists', null])
    await studio.call('DELETE', `/api/workflows/${body.workflow_id}`)
    expect(outline(await post('/api/workflows', make(name), key))).toEqual([200, undefined, null])
  })

  it('survives a restart', async () => {
    const [key, name] = [fresh('key'), fresh('w')]
    const first = await post('/api/workflows', make(name), key)
    await studio.crash()
    const again = await post('/api/workflows', make(name), key)
    expect([isReplayed(again), again.text]).toEqual([true, first.text])
  })
})

describe('an execution', () => {
  const execute = '/api/workflows/execute'
  const deployedAs = async (prefix: string): Promise<string> => {
    const name = fresh(prefix)
    await studio.deployed(name, slowly)
    return name
  }
  /** Sent and left waiting, with its execution. */
  const begin = async (body: { deployment_name: string }, key: string) => {
    const client = new AbortController()
    const answer = send(execute, body, { 'idempotency-key': key }, client.signal).then(answered)
    answer.catch(() => undefined)
    const [execution] = await until(async () => {
      const all = await executionsOf(body.deployment_name)
      return all.length > 0 && all
    }, 'the execution')
    return { execution_id: execution.execution_id as string, answer, leave: () => client.abort() }
  }

  it('that failed is answered with the very same problem', async () => {
    const body = { deployment_name: await deployedAs('fails'), query: 'fail for good' }
    const key = fresh('key')
    const first = await post(execute, body, key)
    expect([first.status, first.body.execution_id]).toEqual([502, expect.any(String)])
    const again = await post(execute, body, key)
    expect([again.status, again.text, isReplayed(again)]).toEqual([502, first.text, true])
  })

  it('that timed out likewise', async () => {
    const body = { deployment_name: await deployedAs('late'), query: long, runtime_overrides: { timeout: 1 } }
    const key = fresh('key')
    const first = await post(execute, body, key)
    expect(first.status).toBe(504)
    const again = await post(execute, body, key)
    expect([again.status, again.text, isReplayed(again)]).toEqual([504, first.text, true])
  })

  it('in flight is 409 that names it, on a restarted server as well; cancelled, it is 409 execution_cancelled', async () => {
    const body = { deployment_name: await deployedAs('runs'), query: long }
    const key = fresh('key')
    const { execution_id, answer } = await begin(body, key)
    const during = await post(execute, body, key)
    expect([during.status, during.body.code, during.body.execution_id]).toEqual([409, 'idempotency_in_progress', execution_id])
    expect(outline(await post(execute, { ...body, query: 'another' }, key))).toEqual([422, 'idempotency_key_reused', null])
    await studio.crash()
    await expect(answer).rejects.toThrow('fetch failed')
    expect((await post(execute, body, key)).body).toMatchObject({ code: 'idempotency_in_progress', execution_id })
    await studio.call('POST', `/api/executions/${execution_id}/cancel`)
    const after = await post(execute, body, key)
    expect([...outline(after), after.body.execution_id]).toEqual([409, 'execution_cancelled', 'true', execution_id])
    expect(await executionsOf(body.deployment_name)).toHaveLength(1)
  })

  it('goes on for a client that lost its connection, which gets the answer by asking again', async () => {
    const body = { deployment_name: await deployedAs('lost'), query: 'take 1 seconds' }
    const key = fresh('key')
    const { execution_id, leave } = await begin(body, key)
    leave()
    const again = await until(async () => {
      const answer = await post(execute, body, key)
      return answer.status !== 409 && answer
    }, 'the answer')
    expect([...outline(again), again.body.execution_id]).toEqual([200, undefined, 'true', execution_id])
  })

  it('whose deployment was deleted is 404, and never runs again under that key', async () => {
    const name = await deployedAs('deleted')
    const bodies = [execute, `${execute}/async`, `${execute}/stream`].map((path) => ({
      path,
      body: { deployment_name: name, query: 'hi' },
      key: fresh('key'),
    }))
    for (const { path, body, key } of bodies) expect((await post(path, body, key)).status).toBeLessThan(300)
    await studio.call('DELETE', `/api/workflows/deployments/${name}`)
    await studio.deployed(name, slowly)
    for (const { path, body, key } of bodies)
      expect((await post(path, body, key)).body).toMatchObject({ status: 404, code: 'execution_not_found' })
    expect(await executionsOf(name)).toEqual([])
  })

  it('that nobody took is 404 again, also when there is somebody now', async () => {
    const [name, key] = [fresh('nobody'), fresh('key')]
    for (const path of [execute, `${execute}/async`, `${execute}/stream`]) {
      expect(outline(await post(path, { deployment_name: name, query: 'hi' }, key))).toEqual([404, 'deployment_not_found', null])
    }
    await studio.deployed(name, slowly)
    for (const path of [execute, `${execute}/async`, `${execute}/stream`]) {
      expect(outline(await post(path, { deployment_name: name, query: 'hi' }, key))).toEqual([404, 'deployment_not_found', 'true'])
    }
  })

  it('in the background is accepted again in the words of the first time, whatever has become of it', async () => {
    const body = { deployment_name: await deployedAs('later'), query: long }
    const key = fresh('key')
    const first = await post(`${execute}/async`, body, key)
    expect([first.status, first.body.status]).toEqual([202, 'running'])
    const again = await post(`${execute}/async`, body, key)
    await studio.call('POST', `/api/executions/${first.body.execution_id}/cancel`)
    const afterwards = await post(`${execute}/async`, body, key)
    for (const one of [again, afterwards]) {
      expect([one.status, one.text, one.headers.get('location'), isReplayed(one)]).toEqual([
        202,
        first.text,
        first.headers.get('location'),
        true,
      ])
    }
    expect(await executionsOf(body.deployment_name)).toHaveLength(1)
  })

  it('is another one on another path of execute', async () => {
    const body = { deployment_name: await deployedAs('paths'), query: 'hi' }
    const key = fresh('key')
    for (const path of [execute, `${execute}/async`, `${execute}/stream`]) expect((await post(path, body, key)).status).toBeLessThan(300)
    expect(await executionsOf(body.deployment_name)).toHaveLength(3)
  })

  describe('as a stream', () => {
    const stream = (body: object, key: string, headers = {}) => send(`${execute}/stream`, body, { 'idempotency-key': key, ...headers })

    it('that runs is attached to, from its first event, and both bring the same', async () => {
      const body = { deployment_name: await deployedAs('attached'), query: 'take 2 seconds' }
      const key = fresh('key')
      const first = await stream(body, key)
      // Of the events before the second client came, it gets all; what it has seen elsewhere is not asked for.
      const again = await stream(body, key, { 'last-event-id': '1' })
      expect([again.status, again.headers.get('content-type'), again.headers.get('idempotent-replayed')]).toEqual([
        200,
        first.headers.get('content-type'),
        'true',
      ])
      const [events, repeated] = await Promise.all([readEvents(first), readEvents(again)])
      const plain = (all: typeof events) => all.map(({ id, data }) => ({ id, data }))
      expect(plain(repeated)).toEqual(plain(events))
      expect(events.at(-1)!.data.status).toBe('completed')
      const afterwards = await readEvents(await stream(body, key))
      expect(plain(afterwards)).toEqual(plain(events))
      expect(await executionsOf(body.deployment_name)).toHaveLength(1)
    })

    it('that was cut off goes on after a crash of the server', async () => {
      const body = { deployment_name: await deployedAs('cut'), query: 'take 1 seconds' }
      const key = fresh('key')
      const [started] = await readEvents(await stream(body, key), () => true)
      await studio.crash()
      const events = await readEvents(await stream(body, key))
      expect(events[0]!.data).toEqual(started!.data)
      expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1))
      expect(events.at(-1)!.data).toMatchObject({ status: 'completed', execution_id: started!.data.execution_id })
    })

    it('is cancelled by whoever leaves, if its body says so', async () => {
      const body = { deployment_name: await deployedAs('left'), query: long, on_disconnect: 'cancel' }
      const key = fresh('key')
      const patient = await stream(body, key)
      const client = new AbortController()
      const again = await send(`${execute}/stream`, body, { 'idempotency-key': key }, client.signal)
      const [started] = await readEvents(again, () => true)
      client.abort()
      const events = await readEvents(patient)
      expect(events.at(-1)!.data).toMatchObject({ status: 'error', code: 'execution_cancelled' })
      expect(await get(`/api/executions/${started!.data.execution_id}`)).toMatchObject({ status: 'cancelled' })
    })
  })
})

describe('twenty at once with the same key', () => {
  const twenty = <Result>(one: () => Promise<Result>): Promise<Result[]> => Promise.all(Array.from({ length: 20 }, one))

  it.each(Object.keys(posts).filter((route) => !route.includes('/execute')))('%s: one effect, one answer', async (route) => {
    const { path, body, effects } = await posts[route]!(studio.call)
    const key = fresh('key')
    const answers = await twenty(() => post(path, body, key))
    const first = answers.find((one) => !isReplayed(one))
    expect(first!.status).toBeLessThan(300)
    expect(answers.filter(isReplayed)).toHaveLength(19)
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
    expect((await effects?.()) ?? 1).toBe(1)
  })

  it('an answer that is not kept: each is told the conflict', async () => {
    const name = fresh('w')
    await studio.workflow(echo, { name })
    const key = fresh('key')
    const answers = await twenty(() => post('/api/workflows', { name, configuration: {} }, key))
    expect(new Set(answers.map((one) => outline(one).join(' ')))).toEqual(new Set(['409 workflow_exists ']))
  })

  it('execute: one runs, the others are told which', async () => {
    const name = fresh('once')
    await studio.deployed(name, slowly)
    const key = fresh('key')
    const answers = await twenty(() => post('/api/workflows/execute', { deployment_name: name, query: 'take 0.5 seconds' }, key))
    const executions = await executionsOf(name)
    expect(executions).toHaveLength(1)
    expect(answers.filter((one) => one.status === 200 && !isReplayed(one))).toHaveLength(1)
    expect(new Set(answers.map(({ body }) => body.execution_id))).toEqual(new Set([executions[0].execution_id]))
    expect(new Set(answers.filter(({ status }) => status !== 200).map(({ status, body }) => `${status} ${body.code}`))).toEqual(
      new Set(['409 idempotency_in_progress']),
    )
  })

  it('execute/async: all are accepted as one', async () => {
    const name = fresh('once')
    await studio.deployed(name, slowly)
    const key = fresh('key')
    const answers = await twenty(() => post('/api/workflows/execute/async', { deployment_name: name, query: 'hi' }, key))
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
    expect([answers[0]!.status, answers.filter(isReplayed).length]).toEqual([202, 19])
    expect(await executionsOf(name)).toHaveLength(1)
  })

  it('execute/stream: all watch one', async () => {
    const name = fresh('once')
    await studio.deployed(name, slowly)
    const key = fresh('key')
    const answers = await twenty(() => post('/api/workflows/execute/stream', { deployment_name: name, query: 'take 0.5 seconds' }, key))
    expect([...new Set(answers.map(({ text }) => text))]).toEqual([expect.stringContaining('"status":"completed"')])
    expect(await executionsOf(name)).toHaveLength(1)
  })
})
