import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { answering, listening } from './support/answering-server.ts'
import { call } from './support/api.ts'
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
