import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { request, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import type { OpenApiDocument } from '../../src/http/openapi.ts'
import { until, type Answer, misspelt } from '../support/api.ts'
import { agents, echo, fresh, useStudio } from '../support/studio.ts'

/** API keys over HTTP: who may do what, and what those are told who may not. */

const studio = useStudio()
let admin: string

const call = (method: string, path: string, body?: object, key: string | undefined = admin, headers: Record<string, string> = {}) =>
  studio.call(method, path, body, { ...(key !== undefined && { authorization: `Bearer ${key}` }), ...headers })
const outline = ({ status, body }: Answer) => [status, body?.code]
const today = Date.now()
const later = new Date(today + 3_600_000).toISOString()

async function make(fields: object = {}, key = admin): Promise<{ key: string; key_id: string }> {
  const { status, body } = await call('POST', '/api/keys', { name: fresh('key'), scopes: ['admin'], ...fields }, key)
  if (status !== 200) throw new Error(`no key was made: ${JSON.stringify(body)}`)
  return body
}

/** As the admin. @returns the body of a success */
async function done(method: string, path: string, body?: object): Promise<Answer['body']> {
  const answer = await call(method, path, body)
  if (answer.status >= 300) throw new Error(`${method} ${path} gave ${answer.status}: ${JSON.stringify(answer.body)}`)
  return answer.body
}

async function workflow(configuration: object = echo): Promise<string> {
  return (await done('POST', '/api/workflows', { name: fresh('workflow'), configuration })).workflow_id
}

async function deploy(workflowId: string, deployment_name: string, environment: string): Promise<Answer['body']> {
  return done('POST', `/api/workflows/${workflowId}/deploy`, { deployment_name, environment })
}

/** The first key is made by whoever comes first; everything else here is done with it. */
describe('a server without keys', () => {
  it.each([{ scopes: ['execute'] }, { scopes: ['admin'], environments: ['production'] }, { scopes: ['admin'], deployment_pattern: 'a*' }])(
    'makes no first key that could not manage keys: %j',
    async (fields) => {
      const answer = await studio.call('POST', '/api/keys', { name: 'first', ...fields })
      expect(outline(answer)).toEqual([409, 'no_admin_key'])
      expect((await studio.call('GET', '/api/keys')).body).toEqual([])
    },
  )

  it('lets in whoever sends a key all the same, and wants one from everybody as soon as there is one', async () => {
    const anything = { authorization: 'Bearer nothing' }
    expect((await studio.call('GET', '/api/keys', undefined, anything)).status).toBe(200)
    const first = await studio.call('POST', '/api/keys', { name: 'first', scopes: ['admin'] })
    expect(first.status).toBe(200)
    admin = first.body.key
    expect(first.body).toEqual({
      key: expect.stringMatching(/^as_\w{12}_\w{49}$/),
      key_id: admin.slice(0, 15),
      name: 'first',
      status: 'active',
      scopes: ['admin'],
      environments: null,
      deployment_pattern: null,
      rate_limit: null,
      concurrency: null,
      created_at: expect.any(String),
      created_by: null,
      expires_at: null,
      last_used_at: null,
      revoked_at: null,
    })
    expect(outline(await studio.call('GET', '/api/keys'))).toEqual([401, 'key_missing'])
    expect(outline(await studio.call('GET', '/api/keys', undefined, anything))).toEqual([401, 'key_invalid'])
    expect((await call('GET', '/api/keys')).status).toBe(200)
  })
})

describe('a request without a key', () => {
  it.each([
    ['GET', '/no/such/address'],
    ['PATCH', '/api/workflows'],
    ['GET', '/'],
    ['HEAD', '/openapi.json'],
    ['OPTIONS', '/api/workflows'],
    ['POST', '/api/workflows/execute'],
  ])('%s %s is answered with how to send one, and nothing else', async (method, path) => {
    const response = await fetch(studio.url + path, { method })
    const text = await response.text()
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="Agent Studio"'])
    if (method !== 'HEAD') expect(JSON.parse(text)).toMatchObject({ code: 'key_missing', detail: expect.stringContaining('Bearer as_') })
  })

  it('is answered before its body is read', async () => {
    const response = await fetch(`${studio.url}/api/workflows`, { method: 'POST', headers: { 'content-type': 'text/plain' }, body: '{' })
    expect(response.status).toBe(401)
  })

  it.each(['/hc', '/healthz', '/readyz'])('is answered where it is about health: %s', async (path) => {
    expect((await studio.call('GET', path)).status).toBe(200)
  })

  it.each([
    { 'x-api-key': '…' },
    { cookie: 'key=…' },
    { authorization: '…' },
    { authorization: 'Basic …' },
    { 'proxy-authorization': 'Bearer …' },
  ])('is one without a key if it has it elsewhere: %j', async (headers) => {
    const [[name, value]] = Object.entries(headers) as [[string, string]]
    expect(outline(await studio.call('GET', '/api/keys', undefined, { [name]: value.replace('…', admin) }))).toEqual([401, 'key_missing'])
  })
})

describe('a key in an address', () => {
  it.each([
    ['/api/keys?api_key=…', ''],
    ['/api/keys?x=…', ''],
    ['/api/keys/…', ''],
    ['/hc?access_token=anything', ''],
    ['/api/executions?token=anything', ''],
    ['/api/executions?limit=1&Api-Key=anything', ''],
    ['/no/such/…', ''],
    ['/docs?%61pi_key=anything', ''],
    ['/api/executions?session_id=…', 'escaped'],
  ])('is refused with the reason: %s', async (path, escaped) => {
    const key = escaped === '' ? admin : `%${Buffer.from(admin).toString('hex').match(/../g)!.join('%')}`
    const answer = await call('GET', path.replace('…', key))
    expect(outline(answer)).toEqual([400, 'key_in_url'])
    expect(answer.body.detail).toContain('Authorization: Bearer')
  })

  it('is not seen where there is none', async () => {
    expect(outline(await call('GET', `/api/keys/${admin.slice(0, 15)}`))).toEqual([200, undefined])
    expect(outline(await call('GET', '/api/workflows/deployments/has_token'))).toEqual([404, 'deployment_not_found'])
  })
})

describe('a key that is made', () => {
  it('may be as the reference has it for an example', async () => {
    const { paths } = (await done('GET', '/openapi.json')) as OpenApiDocument
    const { example } = paths['/api/keys']!['post']!.requestBody!.content['application/json']!
    expect((await call('POST', '/api/keys', example as object)).status).toBe(200)
  })

  it('is shown once, and is nowhere on the disk', async () => {
    const { key, key_id } = await make({ name: 'shown once' })
    const answers = [await call('GET', '/api/keys?limit=500'), await call('GET', `/api/keys/${key_id}`), await call('GET', '/api/audit')]
    for (const { body } of answers) {
      expect(JSON.stringify(body)).toContain(key_id)
      expect(JSON.stringify(body)).not.toMatch(/as_\w{12}_|"hash":"[^"]{64}".*shown once/)
    }
    const data = join(studio.folder, '.agent-studio')
    const secret = key.slice(16)
    for (const file of readdirSync(data)) expect([file, readFileSync(join(data, file)).includes(secret)]).toEqual([file, false])
  })

  it('is in the trail, with who made it', async () => {
    const { key_id, key } = await make({ name: 'maker' })
    const made = await make({ name: 'made', scopes: ['execute'] }, key)
    await call('DELETE', `/api/keys/${made.key_id}`)
    const entries = (await done('GET', '/api/audit?limit=2')) as { action: string; actor: object; object: object }[]
    expect(entries).toMatchObject([
      { action: 'key.revoke', object: { type: 'key', id: made.key_id, name: 'made' }, before: { revoked_at: null } },
      { action: 'key.create', actor: { key_id, name: 'maker' }, object: { id: made.key_id }, after: { scopes: ['execute'] } },
    ])
    expect((await call('GET', `/api/keys/${made.key_id}`)).body).toMatchObject({ created_by: key_id, status: 'revoked' })
  })

  it.each([
    [{ name: '' }, '/name', 'too_short'],
    [{ name: '  ' }, '/name', 'wrong_format'],
    [{ name: null }, '/name', 'wrong_type'],
    [{ scopes: [] }, '/scopes', 'too_short'],
    [{ scopes: ['root'] }, '/scopes/0', 'not_allowed'],
    [{ scopes: 'admin' }, '/scopes', 'wrong_type'],
    [{ environments: [] }, '/environments', 'too_short'],
    [{ environments: ['production', 'staging'] }, '/environments/1', 'unknown_environment'],
    [{ deployment_pattern: 'a?' }, '/deployment_pattern', 'wrong_format'],
    [{ deployment_pattern: '*.*.*.*.*.*.*.*.*' }, '/deployment_pattern', 'wrong_format'],
    [{ deployment_pattern: null }, '/deployment_pattern', 'wrong_type'],
    [{ expires_at: '2020-01-01T00:00:00Z' }, '/expires_at', 'not_allowed'],
    [{ expires_at: 'tomorrow' }, '/expires_at', 'wrong_format'],
    [{ rate_limit: { requests: 0, seconds: 1 } }, '/rate_limit/requests', 'out_of_range'],
    [{ concurrency: 1.5 }, '/concurrency', 'wrong_type'],
    [{ secret: 'x' }, '/secret', 'unknown_field'],
  ])('must make sense: %j', async (fields, pointer, code) => {
    const before = (await call('GET', '/api/keys?limit=500')).body.length
    const answer = await call('POST', '/api/keys', { name: 'odd', scopes: ['execute'], ...fields })
    expect([answer.status, answer.body.errors]).toMatchObject([422, [{ pointer, code }]])
    expect((await call('GET', '/api/keys?limit=500')).body.length).toBe(before)
  })

  it('has what it was made with, each scope once', async () => {
    const fields = {
      scopes: ['execute', 'deploy', 'execute'],
      environments: ['production', 'production'],
      deployment_pattern: 'a-*',
      expires_at: later,
      rate_limit: { requests: 10, seconds: 60 },
      concurrency: 2,
    }
    const { key_id } = await make(fields)
    expect((await call('GET', `/api/keys/${key_id}`)).body).toMatchObject({
      ...fields,
      scopes: ['deploy', 'execute'],
      environments: ['production'],
    })
  })

  it('may do no more than the one that it is made with, which is what it may do where nothing is said', async () => {
    const limited = await make({ environments: ['development'], deployment_pattern: 'team-*', expires_at: later })
    const inherited = await make({ scopes: ['execute'] }, limited.key)
    expect((await call('GET', `/api/keys/${inherited.key_id}`)).body).toMatchObject({
      environments: ['development'],
      deployment_pattern: 'team-*',
      expires_at: later,
    })
    const narrower = { environments: ['development'], deployment_pattern: 'team-a-*', expires_at: new Date(today + 60_000).toISOString() }
    expect((await make({ ...narrower }, limited.key)).key_id).toMatch(/^as_/)
    for (const [more, status, code] of [
      [{ environments: ['production'] }, 422, 'invalid_input'],
      [{ deployment_pattern: '*' }, 403, 'key_exceeds_creator'],
      [{ deployment_pattern: 'team*' }, 403, 'key_exceeds_creator'],
      [{ expires_at: new Date(today + 7_200_000).toISOString() }, 403, 'key_exceeds_creator'],
    ] as const) {
      const answer = await call('POST', '/api/keys', { name: 'more', scopes: ['admin'], ...more }, limited.key)
      expect([more, ...outline(answer)]).toEqual([more, status, code])
    }
    const listed = (await call('GET', '/api/keys?limit=500', undefined, limited.key)).body as { name: string; key_id: string }[]
    expect(listed.map(({ key_id }) => key_id)).toEqual(expect.arrayContaining([limited.key_id, inherited.key_id]))
    expect(listed.map(({ name }) => name)).not.toContain('first')
  })

  it('is made once, however often the request is sent with its Idempotency-Key, and its secret is not shown again', async () => {
    const send = (key: string, name: string) => call('POST', '/api/keys', { name, scopes: ['execute'] }, admin, { 'idempotency-key': key })
    const key = fresh('idempotency')
    const first = await send(key, 'once')
    expect(first.status).toBe(200)
    for (let times = 0; times < 2; times++) {
      const again = await send(key, 'once')
      expect(outline(again)).toEqual([409, 'secret_shown_once'])
      expect(again.body.detail).toContain(first.body.key_id)
      expect(JSON.stringify(again.body)).not.toContain(first.body.key.slice(16))
    }
    expect(outline(await send(key, 'another'))).toEqual([422, 'idempotency_key_reused'])
    await studio.crash()
    expect(outline(await send(key, 'once'))).toEqual([409, 'secret_shown_once'])
    const listed = (await call('GET', '/api/keys?limit=500')).body as { name: string }[]
    expect(listed.filter(({ name }) => name === 'once')).toHaveLength(1)
    expect((await call('GET', '/api/executions', undefined, first.body.key)).status).toBe(403)
  })
})

describe('keys', () => {
  it('are listed newest first, in pages, by whether they hold', async () => {
    const made: string[] = []
    for (let count = 0; count < 5; count++) made.push((await make({ name: 'paged' })).key_id)
    await call('DELETE', `/api/keys/${made[1]}`)
    const pages: string[] = []
    let path: string | undefined = '/api/keys?limit=2&status=active'
    while (path !== undefined) {
      const answer = await call('GET', path)
      pages.push(...answer.body.map((one: { key_id: string }) => one.key_id))
      path = /<([^>]+)>/.exec(answer.headers.get('link') ?? '')?.[1]
    }
    expect(pages.filter((key_id) => made.includes(key_id))).toEqual([made[4], made[3], made[2], made[0]])
    expect(new Set(pages).size).toBe(pages.length)
    const revoked = (await call('GET', '/api/keys?status=revoked&limit=500')).body as { key_id: string; status: string }[]
    expect(revoked.map(({ key_id }) => key_id)).toContain(made[1])
    expect(new Set(revoked.map(({ status }) => status))).toEqual(new Set(['revoked']))
    expect(outline(await call('GET', '/api/keys?cursor=x'))).toEqual([422, 'invalid_input'])
  })

  it('say when they were used, soon after', async () => {
    const { key, key_id } = await make()
    expect((await call('GET', `/api/keys/${key_id}`)).body.last_used_at).toBeNull()
    await call('GET', '/api/agents', undefined, key)
    const used = await until(async () => (await call('GET', `/api/keys/${key_id}`)).body.last_used_at, 'the use to be noted')
    expect(Date.parse(used)).toBeGreaterThan(today)
  })

  it('expire, and are then as good as none', async () => {
    const { key, key_id } = await make({ expires_at: new Date(Date.now() + 1_500).toISOString() })
    expect((await call('GET', '/api/agents', undefined, key)).status).toBe(200)
    await until(async () => (await call('GET', '/api/agents', undefined, key)).status === 401, 'the key to expire')
    expect(outline(await call('GET', '/api/agents', undefined, key))).toEqual([401, 'key_invalid'])
    expect((await call('GET', `/api/keys/${key_id}`)).body.status).toBe('expired')
    const expired = (await call('GET', '/api/keys?status=expired')).body as { key_id: string }[]
    expect(expired.map((one) => one.key_id)).toContain(key_id)
  })

  it('can be renamed and limited, and made free of limits again', async () => {
    const { key_id } = await make()
    const change = (body: object) => call('PATCH', `/api/keys/${key_id}`, body)
    const limits = { rate_limit: { requests: 5, seconds: 10 }, concurrency: 1 }
    expect((await change({ name: 'limited', ...limits })).body).toMatchObject({ name: 'limited', ...limits })
    expect((await change({ concurrency: null })).body).toMatchObject({ name: 'limited', rate_limit: limits.rate_limit, concurrency: null })
    expect((await change({ rate_limit: null })).body).toMatchObject({ rate_limit: null, concurrency: null })
    expect((await change({})).body).toMatchObject({ name: 'limited' })
    for (const body of [{ scopes: ['admin'] }, { expires_at: later }, { name: null }]) expect((await change(body)).status).toBe(422)
    expect(outline(await call('PATCH', '/api/keys/as_000000000000', { name: 'x' }))).toEqual([404, 'key_not_found'])
  })
})

describe('a revoked key', () => {
  it('is good for nothing from the answer on, and stays in the list', async () => {
    const { key, key_id } = await make({ name: 'revoked' })
    const revoked = await call('DELETE', `/api/keys/${key_id}`)
    expect(revoked).toMatchObject({ status: 200, body: { message: "Key 'revoked' revoked successfully", key_id, status: 'revoked' } })
    expect(outline(await call('GET', '/api/agents', undefined, key))).toEqual([401, 'key_invalid'])
    const again = await call('DELETE', `/api/keys/${key_id}`)
    expect([again.status, again.body.revoked_at]).toEqual([200, revoked.body.revoked_at])
    expect(outline(await call('DELETE', '/api/keys/as_000000000000'))).toEqual([404, 'key_not_found'])
    expect(outline(await call('DELETE', '/api/keys/..%2F..'))).toEqual([404, 'key_not_found'])
  })

  it('may be the one that is sent, but not the last that may manage keys', async () => {
    const other = await make()
    expect((await call('DELETE', `/api/keys/${other.key_id}`, undefined, other.key)).status).toBe(200)
    const others = ((await call('GET', '/api/keys?status=active&limit=500')).body as { key_id: string }[]).filter(
      ({ key_id }) => key_id !== admin.slice(0, 15),
    )
    for (const { key_id } of others) expect((await call('DELETE', `/api/keys/${key_id}`)).status).toBe(200)
    const limited = await make({ environments: ['production'] })
    const last = await call('DELETE', `/api/keys/${admin.slice(0, 15)}`)
    expect(outline(last)).toEqual([409, 'last_admin_key'])
    expect(last.body.detail).toContain('agent-studio key revoke')
    expect((await call('GET', '/api/agents')).status).toBe(200)
    await call('DELETE', `/api/keys/${limited.key_id}`)
  })

  it('is good for nothing that began before it was revoked and whose body came later', async () => {
    const { key, key_id } = await make()
    const name = fresh('late')
    const { port } = new URL(studio.url)
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', expect: '100-continue' }
    const sent = request({ port, method: 'POST', path: '/api/workflows', headers })
    sent.flushHeaders()
    // The server has seen the headers, and let them in.
    await once(sent, 'continue')
    await call('DELETE', `/api/keys/${key_id}`)
    // What comes within the same moment may count as sent before.
    await delay(50)
    sent.end(JSON.stringify({ name, configuration: echo }))
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    answer.resume()
    expect([answer.statusCode, answer.headers['www-authenticate']]).toEqual([401, 'Bearer realm="Agent Studio", error="invalid_token"'])
    expect(JSON.stringify((await call('GET', '/api/workflows?limit=1000')).body)).not.toContain(`"${name}"`)
  })

  it('gets no answer of an execution that it waited for, which goes on', async () => {
    const { key, key_id } = await make()
    const deployment_name = fresh('waited')
    const gate = agents({ agent_id: 'a', config: { model: 'demo/assistant', system_prompt: 'You take 2 seconds.' } })
    await deploy(await workflow(gate), deployment_name, 'production')
    const waited = call('POST', '/api/workflows/execute', { deployment_name, query: 'x' }, key)
    const list = `/api/executions?deployment_name=${deployment_name}`
    await until(async () => (await call('GET', list)).body.length === 1, 'the execution to begin')
    await call('DELETE', `/api/keys/${key_id}`)
    const answer = await waited
    expect([...outline(answer), answer.headers.get('www-authenticate')]).toEqual([
      401,
      'key_invalid',
      'Bearer realm="Agent Studio", error="invalid_token"',
    ])
    await until(async () => (await call('GET', list)).body[0].status === 'completed', 'the execution to end')
  })

  it('is the same as an unknown and an expired one to whoever sends it', async () => {
    const revoked = await make()
    await call('DELETE', `/api/keys/${revoked.key_id}`)
    const answers = [revoked.key, misspelt(admin), 'as_unknown', 'x'].map(async (key) => {
      const { status, body, headers } = await call('GET', '/api/agents', undefined, key)
      return { status, body, challenge: headers.get('www-authenticate') }
    })
    const [first, ...others] = await Promise.all(answers)
    expect(first).toMatchObject({ status: 401, challenge: 'Bearer realm="Agent Studio", error="invalid_token"' })
    for (const other of others) expect(other).toEqual(first)
  })
})

describe('an environment or a name that is not for a key', () => {
  let team: string
  let flow: string
  const prod = fresh('prod-only')
  const mine = fresh('team')
  const others = fresh('other')
  beforeAll(async () => {
    flow = await workflow()
    await deploy(flow, prod, 'production')
    await deploy(flow, mine, 'development')
    await deploy(flow, others, 'development')
    const scopes = ['workflow:read', 'workflow:write', 'deploy', 'execute', 'execution:read']
    team = (await make({ scopes, environments: ['development'], deployment_pattern: 'team-*' })).key
  })
  const asTeam = (method: string, path: string, body?: object) => call(method, path, body, team)

  it('is no environment of the server where it is named outright', async () => {
    const alike = async (ask: (environment: string) => Promise<Answer>) => {
      const [foreign, unknown] = [await ask('production'), await ask('nowhere')]
      expect(foreign.status).toBe(422)
      expect(foreign.body.errors[0].message).toContain('it has development.')
      expect(JSON.stringify(foreign.body).replaceAll('production', '…')).toBe(JSON.stringify(unknown.body).replaceAll('nowhere', '…'))
    }
    const execute = { deployment_name: prod, query: 'x' }
    for (const how of ['', '/async', '/stream'])
      await alike((environment) => asTeam('POST', `/api/workflows/execute${how}`, { ...execute, environment }))
    await alike((environment) => asTeam('POST', `/api/workflows/${flow}/deploy`, { deployment_name: mine, environment }))
    await alike((environment) => asTeam('GET', `/api/workflows/deployments?environment=${environment}`))
    await alike((environment) => asTeam('GET', `/api/executions?environment=${environment}`))
    for (const [method, rest] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/stop'],
      ['POST', '/reactivate'],
    ] as const) {
      await alike((environment) => asTeam(method, `/api/workflows/deployments/${prod}${rest}?environment=${environment}`))
    }
    await alike((environment) => asTeam('POST', `/api/workflows/deployments/${prod}/stop`, { environment }))
  })

  it('is not where a deploy goes that names none', async () => {
    expect(outline(await asTeam('POST', `/api/workflows/${flow}/deploy`, { deployment_name: mine }))).toEqual([422, 'invalid_input'])
  })

  it('is refused on a deploy, whether there is such a deployment or not', async () => {
    for (const deployment_name of [others, fresh('no')]) {
      const answer = await asTeam('POST', `/api/workflows/${flow}/deploy`, { deployment_name, environment: 'development' })
      expect(outline(answer)).toEqual([403, 'name_outside_key'])
      expect(answer.body.detail).toBe(`This key is for deployments named 'team-*', and '${deployment_name}' is not one of them.`)
    }
    expect((await asTeam('POST', `/api/workflows/${flow}/deploy`, { deployment_name: mine, environment: 'development' })).status).toBe(200)
  })

  it('is passed over by an execute of a workflow, which takes what there is for the key', async () => {
    const body = { workflow_id: flow, query: 'x' }
    expect((await call('POST', '/api/workflows/execute', body)).body.deployment_name).not.toBe(mine)
    expect((await asTeam('POST', '/api/workflows/execute', body)).body).toMatchObject({ deployment_name: mine, environment: 'development' })
    const foreign = await workflow()
    await deploy(foreign, fresh('other'), 'development')
    await deploy(foreign, fresh('team'), 'production')
    expect(outline(await asTeam('POST', '/api/workflows/execute', { workflow_id: foreign, query: 'x' }))).toEqual([
      404,
      'workflow_not_deployed',
    ])
    expect(outline(await asTeam('POST', '/api/workflows/execute', { workflow_id: flow, deployment_name: others, query: 'x' }))).toEqual([
      404,
      'deployment_not_found',
    ])
  })

  it('does not show in a workflow, neither in whether it is deployed', async () => {
    const foreign = await workflow()
    await deploy(foreign, fresh('team'), 'production')
    const seen = await asTeam('GET', `/api/workflows/${foreign}`)
    expect(seen.body).toMatchObject({ is_deployed: false, deployed_at: null, workflow_deployments: [] })
    const ids = async (path: string) => (await asTeam('GET', path)).body.map((one: { workflow_id: string }) => one.workflow_id)
    expect(await ids('/api/workflows?is_deployed=true&limit=1000')).toContain(flow)
    expect(await ids('/api/workflows?is_deployed=true&limit=1000')).not.toContain(foreign)
    expect(await ids('/api/workflows?is_deployed=false&limit=1000')).toContain(foreign)
    expect((await call('GET', `/api/workflows/${foreign}`)).body.is_deployed).toBe(true)
  })

  it('keeps a workflow from being deleted without being named', async () => {
    const named = await asTeam('DELETE', `/api/workflows/${flow}`)
    expect(outline(named)).toEqual([409, 'workflow_deployed'])
    expect(named.body.deployments).toEqual([{ deployment_name: mine, environment: 'development' }])
    expect(JSON.stringify(named.body)).not.toMatch(new RegExp(`${prod}|${others}`))
    const foreign = await workflow()
    const name = fresh('team')
    await deploy(foreign, name, 'production')
    const unnamed = await asTeam('DELETE', `/api/workflows/${foreign}`)
    expect([...outline(unnamed), unnamed.body.deployments]).toEqual([409, 'workflow_deployed', []])
    expect(JSON.stringify(unnamed.body)).not.toContain(name)
    expect(unnamed.body.detail).toContain('cannot see')
  })

  it('is searched by no call that gives a name alone', async () => {
    const both = fresh('team')
    await deploy(flow, both, 'production')
    expect(outline(await asTeam('POST', `/api/workflows/deployments/${both}/stop`))).toEqual([404, 'deployment_not_found'])
    const answer = await asTeam('GET', `/api/workflows/deployments/${both}`)
    expect(answer.body.detail).toContain("in 'development'.")
    expect((await call('GET', `/api/workflows/deployments/${both}`)).body.status).toBe('active')
  })
})

describe('what was done with a key', () => {
  it('says so: an execution names the key that started it, also when that is revoked', async () => {
    const name = fresh('named')
    await deploy(await workflow(), name, 'production')
    const { key, key_id } = await make({ name: 'starter', scopes: ['execute'] })
    const { execution_id } = (await call('POST', '/api/workflows/execute', { deployment_name: name, query: 'x' }, key)).body
    const look = async () => (await call('GET', `/api/executions/${execution_id}`)).body.api_key
    expect(await look()).toEqual({ key_id, name: 'starter' })
    await call('DELETE', `/api/keys/${key_id}`)
    expect(await look()).toEqual({ key_id, name: 'starter' })
  })

  it('is its own: an Idempotency-Key of one key is not that of another', async () => {
    const name = fresh('apart')
    await deploy(await workflow(agents({ agent_id: 'a', config: { model: 'demo/echo' } })), name, 'production')
    const idempotency = fresh('idempotency')
    const [one, other] = [await make({ scopes: ['execute'] }), await make({ scopes: ['execute'] })]
    const execute = ({ key }: { key: string }) =>
      call('POST', '/api/workflows/execute', { deployment_name: name, query: 'x' }, key, { 'idempotency-key': idempotency })
    const ids = [await execute(one), await execute(one), await execute(other)].map(({ body }) => body.execution_id)
    expect(ids[0]).toBe(ids[1])
    expect(ids[0]).not.toBe(ids[2])
  })
})

/** The last of this file: the address is told to wait from then on. */
describe('too many wrong keys from an address', () => {
  it('are told when to try again, while a right one from there is accepted', async () => {
    const wrong = async () => call('GET', '/api/agents', undefined, misspelt(admin))
    const limited = await until(async () => {
      const answer = await wrong()
      return answer.status === 429 ? answer : undefined
    }, 'the limit')
    expect(limited.body.code).toBe('too_many_failed_keys')
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(Number(limited.headers.get('retry-after'))).toBeLessThanOrEqual(6)
    expect((await call('GET', '/api/agents')).status).toBe(200)
    expect(outline(await studio.call('GET', '/api/agents'))).toEqual([401, 'key_missing'])
  })
})
