import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { beforeAll, describe, expect, it } from 'vitest'
import { echo, fresh, useStudio } from '../support/studio.ts'

const studio = useStudio()

/** As the name of a deployment that exists: a bad input must be refused for what is wrong with it. */
const target = 'target'
let workflowId: string
beforeAll(async () => {
  const { workflow } = await studio.deployed(target)
  workflowId = workflow.workflow_id
})

interface Sent {
  method?: string
  path: string
  /** Sent as it is. */
  body?: string | Buffer
  headers?: Record<string, string>
}

const json = { 'content-type': 'application/json' }

async function send({ method = 'POST', path, body, headers = json }: Sent) {
  const response = await fetch(studio.url + path, {
    method,
    headers,
    ...(body !== undefined && { body: new Uint8Array(Buffer.from(body)) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
}

/** Every problem has what RFC 9457 and the contract ask for. */
function expectProblem(answer: Awaited<ReturnType<typeof send>>, status: number, code: string): void {
  expect([answer.status, answer.body?.code]).toEqual([status, code])
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(answer.body).toMatchObject({
    status,
    type: expect.stringMatching(/./),
    title: expect.stringMatching(/./),
    detail: expect.stringMatching(/./),
  })
}

const workflow = (fields: object) => JSON.stringify({ name: fresh('body'), configuration: {}, ...fields })
const execution = (fields: object) => JSON.stringify({ deployment_name: target, query: 'x', ...fields })
const nested = (depth: number) => `{"name": "${fresh('nested')}", "configuration": ${'{"a":'.repeat(depth - 1)}0${'}'.repeat(depth - 1)}}`

describe('a body that cannot be read is 400', () => {
  const unreadable: [string, string | Buffer][] = [
    ['not JSON', 'hello'],
    ['cut off', '{"name": "x"'],
    ['single quotes', "{'name': 'x', 'configuration': {}}"],
    ['a trailing comma', '{"name": "x", "configuration": {},}'],
    ['a comment', '{"name": "x", /* no */ "configuration": {}}'],
    ['something after it', '{"name": "x", "configuration": {}} {}'],
    ['NaN', '{"name": "x", "configuration": {"a": NaN}}'],
    ['a bare control character', '{"name": "a\nb", "configuration": {}}'],
    ['a key twice', '{"name": "x", "name": "y", "configuration": {}}'],
    ['a key twice, deep in what is kept', '{"name": "x", "configuration": {"metadata": {"a": 1, "b": [{"c": 1, "c": 1}]}}}'],
    ['a key twice, once escaped', '{"name": "x", "n\\u0061me": "y", "configuration": {}}'],
    ['65 levels', nested(65)],
    ['100,000 levels', nested(100_000)],
    ['a byte that is not UTF-8', Buffer.from([...Buffer.from('{"name": "'), 0xff, ...Buffer.from('", "configuration": {}}')])],
    ['Latin-1', Buffer.from('{"name": "é", "configuration": {}}', 'latin1')],
    ['UTF-16', Buffer.from('{"name": "x", "configuration": {}}', 'utf16le')],
    ['nothing at all', ''],
    ['white space', '   '],
  ]
  it.each(unreadable)('%s', async (_, body) => {
    expectProblem(await send({ path: '/api/workflows', body }), 400, 'malformed_body')
  })

  it('also on execute, its stream, a PUT and a stop', async () => {
    const body = '{"query": '
    for (const path of ['/api/workflows/execute', '/api/workflows/execute/stream', `/api/workflows/deployments/${target}/stop`]) {
      expectProblem(await send({ path, body }), 400, 'malformed_body')
    }
    expectProblem(await send({ method: 'PUT', path: `/api/workflows/${workflowId}`, body }), 400, 'malformed_body')
  })
})

describe('a body that is read', () => {
  it('may be nested 64 deep', async () => {
    expect((await send({ path: '/api/workflows', body: nested(64) })).status).toBe(200)
  })

  it('may name its charset and be of any case', async () => {
    for (const type of ['application/json; charset=utf-8', 'application/json;charset=UTF-8', 'APPLICATION/JSON']) {
      expect([
        type,
        (await send({ path: '/api/workflows/execute', body: execution({}), headers: { 'content-type': type } })).status,
      ]).toEqual([type, 200])
    }
  })

  it('may be as large as 1 MB, and no larger', async () => {
    const sized = (bytes: number) => {
      const empty = workflow({ description: '', configuration: { text: '' } })
      return empty.replace('"text":""', `"text":"${'x'.repeat(bytes - empty.length)}"`)
    }
    expect((await send({ path: '/api/workflows', body: sized(1_000_000) })).status).toBe(200)
    expectProblem(await send({ path: '/api/workflows', body: sized(1_000_001) }), 413, 'body_too_large')
  })

  it('may be as large as 10 MB on execute, and no larger', async () => {
    const sized = (bytes: number) => {
      const empty = execution({ input: { text: '' } })
      return empty.replace('"text":""', `"text":"${'x'.repeat(bytes - empty.length)}"`)
    }
    expect((await send({ path: '/api/workflows/execute', body: sized(10_000_000) })).status).toBe(200)
    expectProblem(await send({ path: '/api/workflows/execute', body: sized(10_000_001) }), 413, 'body_too_large')
  })
})

it('answers 415 to a body of another type', async () => {
  const body = execution({})
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json; charset=latin1',
    'application/xml',
    'multipart/form-data',
  ]) {
    expectProblem(await send({ path: '/api/workflows/execute', body, headers: { 'content-type': type } }), 415, 'unsupported_media_type')
  }
})

describe('what can be read and is wrong is 422, with the pointer of', () => {
  type Row = [string, string, string, string, [string, string][]]
  const create = (name: string, body: string, ...errors: [string, string][]): Row => [name, 'POST', '/api/workflows', body, errors]
  const run = (name: string, body: string, ...errors: [string, string][]): Row => [name, 'POST', '/api/workflows/execute', body, errors]
  const onWorkflow = (name: string, rest: string, body: object, ...errors: [string, string][]): Row => [
    name,
    'POST',
    `/api/workflows/WORKFLOW${rest}`,
    JSON.stringify(body),
    errors,
  ]
  const rows: Row[] = [
    create('a body that is null', 'null', ['', 'wrong_type']),
    create('a body that is a list', '[]', ['', 'wrong_type']),
    create('a body that is a text', '"x"', ['', 'wrong_type']),
    create('every field that is missing', '{}', ['/name', 'required'], ['/configuration', 'required']),
    create(
      'a required field that is null',
      '{"name": null, "configuration": null}',
      ['/name', 'wrong_type'],
      ['/configuration', 'wrong_type'],
    ),
    create('a number for a text', workflow({ name: 5 }), ['/name', 'wrong_type']),
    create('an empty name', workflow({ name: '' }), ['/name', 'too_short']),
    create('a list for an object', workflow({ configuration: [] }), ['/configuration', 'wrong_type']),
    create('a text for an object', workflow({ configuration: '{}' }), ['/configuration', 'wrong_type']),
    create('a text for a boolean', workflow({ is_active: 'true' }), ['/is_active', 'wrong_type']),
    create('a number for a boolean', workflow({ is_editable: 1 }), ['/is_editable', 'wrong_type']),
    create('a text for a list', workflow({ tags: 'a,b' }), ['/tags', 'wrong_type']),
    create('an item of a list', workflow({ tags: ['a', 5, null] }), ['/tags/1', 'wrong_type'], ['/tags/2', 'wrong_type']),
    create('an unknown field', workflow({ descripton: 'typo' }), ['/descripton', 'unknown_field']),
    create('an unknown field that is null', workflow({ extra: null }), ['/extra', 'unknown_field']),
    create('an unknown field called __proto__', '{"name": "p", "configuration": {}, "__proto__": {}}', ['/__proto__', 'unknown_field']),
    create('an unknown field with a slash and a tilde', workflow({ 'a/b~c': 1 }), ['/a~1b~0c', 'unknown_field']),
    create(
      'several at once',
      JSON.stringify({ version: 1, is_active: 'no', extra: true, configuration: {} }),
      ['/name', 'required'],
      ['/version', 'wrong_type'],
      ['/is_active', 'wrong_type'],
      ['/extra', 'unknown_field'],
    ),
    run('a query that is missing', JSON.stringify({ deployment_name: target }), ['/query', 'required']),
    run('a query that is null', execution({ query: null }), ['/query', 'wrong_type']),
    run('a query that is a number', execution({ query: 1 }), ['/query', 'wrong_type']),
    run('a history that is no list', execution({ chat_history: {} }), ['/chat_history', 'wrong_type']),
    run('an environment that is a number', execution({ environment: 1 }), ['/environment', 'wrong_type']),
    run('a session that is a number', execution({ session_id: 7 }), ['/session_id', 'wrong_type']),
    run('overrides that are a list', execution({ runtime_overrides: [] }), ['/runtime_overrides', 'wrong_type']),
    run('an unknown field', execution({ qurey: 'typo' }), ['/qurey', 'unknown_field']),
    onWorkflow('a deploy without a name', '/deploy', {}, ['/deployment_name', 'required']),
    onWorkflow('an unknown setting', '/deploy', { deployment_name: target, runtime_config: { timeOut: 1 } }, [
      '/runtime_config/timeOut',
      'unknown_field',
    ]),
    onWorkflow('a force that is a text', '/deploy', { deployment_name: target, force: 'yes' }, ['/force', 'wrong_type']),
    onWorkflow('an agent without a node', '/agents', { agent_id: 'WebAgent' }, ['/node_id', 'required']),
    onWorkflow('a position that is a text', '/agents', { agent_id: 'WebAgent', node_id: 'n', position_x: '1' }, [
      '/position_x',
      'wrong_type',
    ]),
    onWorkflow('a connection without an end', '/connections', { source_agent_id: 'a' }, ['/target_agent_id', 'required']),
    onWorkflow('a priority that is a text', '/connections', { source_agent_id: 'a', target_agent_id: 'b', priority: '1' }, [
      '/priority',
      'wrong_type',
    ]),
    ['a field where none is taken', 'DELETE', `/api/workflows/deployments/${target}`, '{"force": true}', [['/force', 'unknown_field']]],
    [
      'an unknown field of a stop',
      'POST',
      `/api/workflows/deployments/${target}/stop`,
      '{"env": "production"}',
      [['/env', 'unknown_field']],
    ],
    ['an unknown field of a PUT', 'PUT', '/api/workflows/WORKFLOW', '{"workflow_id": "x"}', [['/workflow_id', 'unknown_field']]],
    [
      'an agent without a name',
      'POST',
      '/api/agents',
      '{"config": []}',
      [
        ['/name', 'required'],
        ['/config', 'wrong_type'],
      ],
    ],
  ]
  it.each(rows)('%s', async (_, method, path, body, errors) => {
    const answer = await send({ method, path: path.replace('WORKFLOW', workflowId), body })
    expectProblem(answer, 422, 'invalid_input')
    const found = answer.body.errors.map((one: { pointer: string; code: string }) => [one.pointer, one.code])
    expect(found).toHaveLength(errors.length)
    expect(found).toEqual(expect.arrayContaining(errors))
    for (const { message } of answer.body.errors) expect(message).toMatch(/\S/)
  })

  it('an item of the history', async () => {
    const items = [
      { content: 'x' },
      { actor: 'user' },
      { role: 'user', content: 5 },
      'x',
      null,
      { actor: 'user', content: 'x', extra: 1 },
      { role: 'narrator', content: 'x' },
    ]
    for (const item of items) {
      const answer = await send({
        path: '/api/workflows/execute',
        body: execution({ chat_history: [{ role: 'user', content: 'fine' }, item] }),
      })
      expectProblem(answer, 422, 'invalid_input')
      for (const { pointer } of answer.body.errors)
        expect([item, pointer]).toEqual([item, expect.stringMatching(/^\/chat_history\/1(\/|$)/)])
    }
  })

  it('are listed up to a limit, wherever they were found', async () => {
    const chat_history = Array.from({ length: 20_000 }, () => ({ role: 'narrator', content: '' }))
    const executed = await send({ path: '/api/workflows/execute', body: execution({ chat_history }) })
    expectProblem(executed, 422, 'invalid_input')
    expect(executed.body.errors).toHaveLength(101)
    expect(executed.body.errors.at(-1)).toMatchObject({ code: 'more_problems' })

    const configuration = { agents: Array.from({ length: 50_000 }, () => 0) }
    const workflow = await send({ path: '/api/workflows', body: JSON.stringify({ name: 'all wrong', configuration }) })
    const validated = await send({ path: `/api/workflows/${workflow.body.workflow_id}/validate` })
    expect(validated.body.errors).toHaveLength(1_001)
    expect(validated.body.errors.at(-1)).toMatchObject({ code: 'more_problems' })
  })

  it('of execute are all reported at once, also those that no schema can say', async () => {
    const body = { chat_history: [{ role: 'narrator', content: 'x' }], environment: 'nowhere', typo: 1 }
    const answer = await send({ path: '/api/workflows/execute', body: JSON.stringify(body) })
    expectProblem(answer, 422, 'invalid_input')
    const pointers = answer.body.errors.map(({ pointer }: { pointer: string }) => pointer)
    expect(pointers.toSorted()).toEqual(['/chat_history/0/role', '/deployment_name', '/environment', '/query', '/typo'])
  })

  it.each(['"x"', '""', '5', 'null', '{}', '"00000000"', 'not json'])('are cursors that no list gave: %s', async (position) => {
    const cursor = Buffer.from(position).toString('base64url')
    for (const path of ['/api/executions', '/api/workflows/deployments']) {
      const answer = await send({ method: 'GET', path: `${path}?cursor=${cursor}` })
      expectProblem(answer, 422, 'invalid_input')
      expect(answer.body.errors).toMatchObject([{ pointer: '?cursor' }])
    }
  })

  it.each([
    ['/api/workflows?limit=0', '?limit', 'out_of_range'],
    ['/api/workflows?limit=1001', '?limit', 'out_of_range'],
    ['/api/workflows?limit=ten', '?limit', 'wrong_type'],
    ['/api/workflows?limit=1.5', '?limit', 'wrong_type'],
    ['/api/workflows?limit=', '?limit', 'wrong_type'],
    ['/api/workflows?skip=-1', '?skip', 'out_of_range'],
    ['/api/workflows?is_active=maybe', '?is_active', 'wrong_type'],
    ['/api/workflows?is_deployed=yes', '?is_deployed', 'wrong_type'],
    ['/api/workflows?limit=1&limit=2', '?limit', 'repeated_parameter'],
    ['/api/executions?status=failed&status=running', '?status', 'repeated_parameter'],
    ['/api/workflows?is_actve=true', '?is_actve', 'unknown_parameter'],
    ['/api/workflows/deployments/active?environment=production', '?environment', 'unknown_parameter'],
    [`/api/workflows/deployments/${target}?env=production`, '?env', 'unknown_parameter'],
    ['/api/agents?name=WebAgent', '?name', 'unknown_parameter'],
    ['/hc?verbose=1', '?verbose', 'unknown_parameter'],
  ])('%s', async (path, pointer, code) => {
    const answer = await send({ method: 'GET', path, headers: {} })
    expectProblem(answer, 422, 'invalid_input')
    expect(answer.body.errors).toEqual([{ pointer, code, message: expect.stringMatching(/\S/) }])
  })
})

it('has changed nothing by all that it refused', async () => {
  const before = (await studio.call('GET', `/api/workflows/${workflowId}`)).body
  for (const body of ['{"description": 5}', '{"name": "changed", "extra": 1}', '{"name": "changed"', '']) {
    expect((await send({ method: 'PUT', path: `/api/workflows/${workflowId}`, body: body || '[]' })).status).toBeGreaterThanOrEqual(400)
  }
  expect((await studio.call('GET', `/api/workflows/${workflowId}`)).body).toEqual(before)
})

describe('the router', () => {
  it('answers 404 with a problem to an address that does not exist', async () => {
    for (const path of ['/api', '/api/workflow', '/api/workflows/deployments/a/b/c', '/api/nothing', '/%2e%2e/etc/passwd']) {
      expectProblem(await send({ method: 'GET', path, headers: {} }), 404, 'route_not_found')
    }
  })

  it('answers 405 with Allow to a method that an address does not take', async () => {
    const wrong: [string, string, string[]][] = [
      ['PATCH', '/api/workflows', ['GET', 'POST']],
      ['DELETE', '/api/workflows', ['GET', 'POST']],
      ['POST', `/api/workflows/${workflowId}`, ['GET', 'PUT', 'DELETE']],
      ['GET', `/api/workflows/${workflowId}/deploy`, ['POST']],
      ['GET', `/api/workflows/deployments/${target}/stop`, ['POST']],
      ['GET', '/api/workflows/execute/stream', ['POST']],
      ['POST', '/api/workflows/deployments/active', ['GET']],
      ['DELETE', '/hc', ['GET']],
    ]
    for (const [method, path, allowed] of wrong) {
      const answer = await send({ method, path, headers: {} })
      expectProblem(answer, 405, 'method_not_allowed')
      expect([path, answer.headers.get('allow')?.split(', ')]).toEqual([path, expect.arrayContaining(allowed)])
    }
  })

  it('takes an address with a trailing slash as the same, without a redirect', async () => {
    const requests: [string, string, string | undefined][] = [
      ['GET', '/api/workflows', undefined],
      ['POST', '/api/workflows', workflow({})],
      ['GET', `/api/workflows/${workflowId}`, undefined],
      ['POST', '/api/workflows/execute', execution({})],
      ['GET', '/api/workflows/deployments/active', undefined],
      ['GET', '/api/agents', undefined],
    ]
    for (const [method, path, body] of requests) {
      const response = await fetch(`${studio.url}${path}/`, { method, redirect: 'manual', headers: json, ...(body && { body }) })
      expect([path, response.status]).toEqual([path, 200])
      await response.text()
    }
    const [plain, slashed] = await Promise.all(['', '/'].map((end) => studio.call('GET', `/api/workflows${end}?limit=1000`)))
    expect(slashed!.body).toEqual(plain!.body)
  })

  it('answers 400 to an address that cannot be decoded', async () => {
    expectProblem(await send({ method: 'GET', path: '/api/agents/name/%ff%zz', headers: {} }), 400, 'malformed_request')
  })
})

describe('a Host', () => {
  const ask = (host: string) =>
    new Promise<{ status: number; body: { code?: string } }>((resolve, reject) => {
      const request = httpRequest(`${studio.url}/hc`, { headers: { host } }, (response) => {
        let text = ''
        response.on('data', (chunk: Buffer) => (text += chunk.toString()))
        response.on('end', () => resolve({ status: response.statusCode!, body: JSON.parse(text) }))
      })
      request.on('error', reject).end()
    })

  it('that is not ours is 421', async () => {
    for (const host of ['evil.example', 'localhost.evil.example', '10.0.0.1', 'evil.example:8000']) {
      expect([host, await ask(host)]).toMatchObject([host, { status: 421, body: { code: 'unknown_host' } }])
    }
  })

  it('of this machine is ours, with or without a port', async () => {
    for (const host of ['localhost', 'localhost:8000', '127.0.0.1', 'LOCALHOST:1', '[::1]:8000']) {
      expect([host, await ask(host)]).toEqual([host, { status: 200, body: { status: 'ok' } }])
    }
  })
})

it('answers with a problem to bytes that are not HTTP', async () => {
  const { port } = new URL(studio.url)
  const text = await new Promise<string>((resolve, reject) => {
    let received = ''
    const socket = connect(Number(port), '127.0.0.1', () => socket.write('hello\r\n\r\n'))
    socket.on('data', (chunk: Buffer) => (received += chunk.toString()))
    socket.on('close', () => resolve(received))
    socket.on('error', reject)
  })
  expect(text).toMatch(/^HTTP\/1\.1 400 [^]*content-type: application\/problem\+json[^]*"code":"malformed_request"/i)
})

it('says that it is there', async () => {
  const { status, body } = await studio.call('GET', '/hc')
  expect([status, body]).toEqual([200, { status: 'ok' }])
})

it('takes a body that curl sends with a GET as nothing', async () => {
  const response = await new Promise<number>((resolve, reject) => {
    const request = httpRequest(`${studio.url}/api/workflows`, { method: 'GET', headers: { ...json, 'content-length': '2' } }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode!))
    })
    request.on('error', reject).end('{}')
  })
  expect(response).toBe(200)
})

it('takes an empty body where none is required, whatever its Content-Type', async () => {
  const empty = async (method: string, path: string) => {
    for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded']) {
      const { status } = await send({
        method,
        path: path.replace('WORKFLOW', await studio.workflow(echo)),
        headers: { 'content-type': type },
        body: '',
      })
      expect([method, path, type, status]).toEqual([method, path, type, 200])
    }
  }
  await empty('POST', '/api/workflows/WORKFLOW/validate')
  await empty('DELETE', '/api/workflows/WORKFLOW')
  await empty('PUT', '/api/workflows/WORKFLOW')
  const name = fresh('empty')
  await studio.deployed(name)
  await empty('POST', `/api/workflows/deployments/${name}/stop`)
})

describe('the name of a deployment', () => {
  const wrong = ['', 'active', '-a', '.a', '_a', 'a b', 'a/b', 'ä', 'a\n', '\na', 'a%', 'a'.repeat(129), ' a', 'a ', '../a', '🦄']
  const right = [
    'a',
    '0',
    'A.b_c-9',
    'Active',
    'ACTIVE',
    'active2',
    'active-',
    'a'.repeat(128),
    'deploy',
    'execute',
    'stop',
    'a..b',
    'constructor',
  ]

  it.concurrent.each(right)('takes %j', async (name) => {
    const id = await studio.workflow()
    const deployment = await studio.deploy(id, name)
    expect(deployment.deployment_name).toBe(name)
    expect((await studio.call('GET', `/api/workflows/deployments/${name}`)).body.deployment_id).toBe(deployment.deployment_id)
    expect((await studio.execute({ deployment_name: name, query: 'x' })).body.deployment_id).toBe(deployment.deployment_id)
    expect((await studio.call('POST', `/api/workflows/deployments/${name}/stop`)).body.message).toBe(
      `Deployment '${name}' stopped successfully`,
    )
    expect((await studio.call('DELETE', `/api/workflows/deployments/${name}`)).body.message).toBe(
      `Deployment '${name}' deleted successfully`,
    )
  })

  it.concurrent.each(wrong)('refuses %j wherever a deployment is named in a body, and says what is allowed', async (name) => {
    const id = await studio.workflow()
    const answers = [
      await studio.call('POST', `/api/workflows/${id}/deploy`, { deployment_name: name }),
      await studio.execute({ deployment_name: name, query: 'x' }),
      await studio.call('POST', '/api/workflows/execute/stream', { deployment_name: name, query: 'x' }),
    ]
    for (const { status, body } of answers) {
      expect([name, status, body.errors]).toEqual([
        name,
        422,
        [
          {
            pointer: '/deployment_name',
            code: 'wrong_format',
            message: expect.stringContaining('letters, digits, dots, underscores and hyphens'),
          },
        ],
      ])
    }
    expect((await studio.call('GET', `/api/workflows/${id}`)).body.workflow_deployments).toEqual([])
  })

  it.concurrent('refuses such a name in an address, too', async () => {
    for (const name of wrong.filter(Boolean)) {
      const address = `/api/workflows/deployments/${encodeURIComponent(name)}`
      const calls: [string, string][] = [
        ['POST', `${address}/stop`],
        ['POST', `${address}/reactivate`],
        ['DELETE', address],
        ...(name === 'active' ? [] : [['GET', address] as [string, string]]),
      ]
      for (const [method, path] of calls) {
        // fetch would resolve '..' itself.
        const { status, body } = await studio.call(method, path)
        expect([method, path, status, body.errors?.[0].pointer]).toEqual([method, path, 422, '/deployment_name'])
      }
    }
  })

  it.concurrent('tells names apart by their case', async () => {
    const name = fresh('Case')
    const upper = await studio.deployed(name)
    const lower = await studio.deployed(name.toLowerCase())
    expect(lower.deployment_id).not.toBe(upper.deployment_id)
    await studio.call('POST', `/api/workflows/deployments/${name}/stop`)
    expect((await studio.execute({ deployment_name: name, query: 'x' })).status).toBe(404)
    expect((await studio.execute({ deployment_name: name.toLowerCase(), query: 'x' })).status).toBe(200)
  })

  it.concurrent('takes workflows that are called as deployments may not be', async () => {
    for (const name of ['active', 'a b/c', '🦄']) expect(await studio.workflow(echo, { name })).toEqual(expect.any(String))
  })
})
