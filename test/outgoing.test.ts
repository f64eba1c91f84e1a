import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { answering, listening } from './support/answering-server.ts'
import { call } from './support/api.ts'
import { forbiddenUrls } from './support/forbidden-urls.ts'
import { startScriptedModel, type ScriptedModel } from './support/scripted-model.ts'
import { removeFolder, startServer, temporaryFolder, type TestServer } from './support/server.ts'

/** What a server, as an operator starts it, lets workflows reach. */

let folder: string
let model: ScriptedModel
let server: TestServer
beforeAll(async () => {
  folder = temporaryFolder()
  model = await startScriptedModel()
  server = await startServer(folder, {
    AGENT_STUDIO_PRIVATE_ADDRESSES: `127.0.0.1:${new URL(model.baseUrl).port}`,
    AGENT_STUDIO_ALLOWED_ORIGINS: 'https://app.example',
    OPENAI_API_KEY: 'sk-of-the-operator',
    OPENAI_BASE_URL: model.baseUrl,
  })
})
afterAll(async () => {
  await server.stop()
  await model.close()
  removeFolder(folder)
})

let count = 0
/** Deploys this configuration and executes it once. */
async function run(configuration: object) {
  const name = `outgoing-${++count}`
  const { body: workflow } = await call(server.url, 'POST', '/api/workflows', { name, configuration })
  const path = `/api/workflows/${workflow.workflow_id}/deploy`
  const deployed = await call(server.url, 'POST', path, { deployment_name: name, runtime_config: { max_retries: 0 } })
  expect([deployed.status, deployed.body]).toMatchObject([200, { status: 'active' }])
  const { status, body } = await call(server.url, 'POST', '/api/workflows/execute', { deployment_name: name, query: 'Hello' })
  return { status, body, warnings: deployed.body.warnings }
}
const agentOn = (base_url: string) => ({ agents: [{ agent_id: 'a', config: { base_url, model: 'llama' } }] })
const httpStep = (url: string) => ({ steps: [{ step_id: 'get', step_type: 'http', config: { url } }] })

describe('an agent with a server of its own', () => {
  it('reaches it where the operator has listed it, without the key of the operator', async () => {
    model.script({ text: 'Hello back' })
    expect(await run(agentOn(model.baseUrl))).toMatchObject({ status: 200, body: { response: 'Hello back' }, warnings: [] })
    const { path, headers, body } = model.requests.at(-1)!
    expect([path, body.model, headers.authorization]).toEqual(['/v1/chat/completions', 'llama', undefined])
    expect(JSON.stringify(headers)).not.toContain('sk-of-the-operator')
  })

  it('does not reach anything else on this machine', async () => {
    const { port, sockets } = await listening(createServer())
    for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '2130706433'])
      expect(await run(agentOn(`http://${host}:${port}/v1`))).toMatchObject({ status: 502, body: { code: 'address_not_allowed' } })
    expect(await run(agentOn(`${server.url}/v1`))).toMatchObject({ status: 502, body: { code: 'address_not_allowed' } })
    expect(sockets).toEqual([])
  })
})

describe('an HTTP step', () => {
  it('reaches what the operator has listed, and nothing else on this machine', async () => {
    const secret = await answering((response) => response.end('secret'))
    model.script({ status: 200, body: 'public' }, { status: 302, headers: { location: secret.url } })
    expect(await run(httpStep(`${model.baseUrl}/page`))).toMatchObject({ status: 200, body: { response: 'public' } })
    for (const url of [secret.url, `${model.baseUrl}/redirect`, 'http://169.254.169.254/latest/meta-data/'])
      expect(await run(httpStep(url))).toMatchObject({ status: 502, body: { code: 'address_not_allowed' } })
    expect(secret.sockets).toEqual([])
  })
})

describe('every other way from a workflow to a server', () => {
  /** Forms of this machine and of private networks, as far as no name server is needed for them. */
  const formsFor = (port: number) =>
    forbiddenUrls(port, 'http://none.invalid').filter((text) => {
      const url = URL.parse(text)
      return url?.protocol === 'http:' && url.port === String(port) && url.username === '' && /^[\d.]+$|^\[/.test(url.hostname)
    })
  const forbidden = () =>
    listening(
      createServer((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret')),
      '::',
    )
  const agentWith = (tools: object[]) => ({ agents: [{ agent_id: 'a', config: { base_url: model.baseUrl, model: 'llama', tools } }] })
  /** What the model was told of the calls that it made. */
  const refused = () =>
    (model.requests.at(-1)!.body.messages as { role: string; content: string }[]).flatMap(({ role, content }) =>
      role === 'tool' ? [content] : [],
    )

  it('is closed as well: an HTTP tool', async () => {
    const { port, sockets } = await forbidden()
    const forms = formsFor(port)
    expect(forms.length).toBeGreaterThan(40)
    model.script({ toolCalls: forms.map((_, index) => ({ name: `tool_${index}`, arguments: '{}' })) }, { text: 'done' })
    const tools = forms.map((url, index) => ({ type: 'http', name: `tool_${index}`, url }))
    expect(await run(agentWith(tools))).toMatchObject({ status: 200, body: { response: 'done' } })
    expect(refused()).toEqual(forms.map(() => expect.stringContaining('address_not_allowed')))
    expect(sockets).toEqual([])
  })

  it('is closed as well: a request that the model makes up', async () => {
    const { port, sockets } = await forbidden()
    const forms = formsFor(port)
    const allowed_hosts = [...new Set(forms.map((url) => new URL(url).host))]
    const toolCalls = forms.map((url) => ({ name: 'http_request', arguments: JSON.stringify({ url }) }))
    model.script({ toolCalls }, { text: 'done' })
    expect(await run(agentWith([{ type: 'builtin', name: 'http_request', allowed_hosts }]))).toMatchObject({ status: 200 })
    expect(refused()).toEqual(forms.map(() => expect.stringContaining('address_not_allowed')))
    expect(sockets).toEqual([])
  })

  it.each(['mcp', 'openapi'])('is closed as well: tools of sort %s, when they are looked up', async (type) => {
    const { port, sockets } = await forbidden()
    const forms = formsFor(port).slice(0, 45)
    const tools = forms.map((url, index) => ({ type, name: `source_${index}`, url }))
    const { body: workflow } = await call(server.url, 'POST', '/api/workflows', { name: `looks-${type}`, configuration: agentWith(tools) })
    const path = `/api/workflows/${workflow.workflow_id}/validate?environment=production`
    const { body } = await call(server.url, 'POST', path)
    expect(body.errors.filter(({ code }: { code: string }) => code === 'tools_unreachable').length).toBe(forms.length)
    expect(sockets).toEqual([])
  })

  it('is closed as well: a notification', async () => {
    const { port, sockets } = await forbidden()
    for (const url of formsFor(port).slice(0, 10)) {
      const steps = [{ step_id: 'tell', step_type: 'notify', config: { url } }]
      expect(await run({ steps })).toMatchObject({ status: 502, body: { code: 'address_not_allowed' } })
    }
    expect(sockets).toEqual([])
  })
})

describe('a page of another site', () => {
  const headers = (origin: string) => ({ origin, 'sec-fetch-site': 'cross-site' })

  it('may call the API where the operator has listed it, and read a stream', async () => {
    const response = await fetch(`${server.url}/api/workflows/execute/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers('https://app.example') },
      body: JSON.stringify({ deployment_name: 'hello', query: 'Hello' }),
    })
    expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example')
    expect(response.headers.get('vary')).toBe('Origin')
    expect(await response.text()).toContain('"status":"completed"')
  })

  it('may not otherwise', async () => {
    const refused = await call(server.url, 'POST', '/api/workflows/deployments/hello/stop', undefined, headers('https://evil.example'))
    expect([refused.status, refused.body.code, refused.headers.get('access-control-allow-origin')]).toEqual([
      403,
      'cross_site_request',
      null,
    ])
  })
})
