import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compileDataSchema } from '../../src/data-schema/data-schema.ts'
import { until, type Answer } from '../support/api.ts'
import { startMcpServer, type RunningMcpServer } from '../support/mcp-server.ts'
import { writeKeyFile } from '../support/secrets.ts'
import { removeFolder, temporaryFolder } from '../support/server.ts'
import { agents, fresh, useStudio } from '../support/studio.ts'

/** What workflows can be made of, as the API lists it. */

const SECRET = 'a-token-of-the-operator'
const folder = temporaryFolder()
afterAll(() => removeFolder(folder))
const prices = join(folder, 'prices.json')
writeFileSync(prices, JSON.stringify({ 'openai/gpt-4o': { input: 1, output: 2 }, 'ollama/*': { input: 0, output: 0 } }))
const program = { command: process.execPath, args: [join(import.meta.dirname, '../support/mcp-stdio-server.ts')] }

const studio = useStudio(() => ({
  AGENT_STUDIO_PRIVATE_ADDRESSES: '127.0.0.1',
  AGENT_STUDIO_PRICES: prices,
  AGENT_STUDIO_SECRET_KEY_FILE: writeKeyFile(folder),
  ANTHROPIC_API_KEY: 'sk-ant-planted-in-this-test',
  AGENT_STUDIO_MCP_SERVERS: JSON.stringify({
    local: program,
    broken: { command: join(folder, `there-is-no-${SECRET}`), env: { TOKEN: SECRET } },
  }),
}))
let mcp: RunningMcpServer
beforeAll(async () => {
  mcp = await startMcpServer(
    { name: 'look', description: 'Looks.', readOnly: true, answer: () => 'seen' },
    { name: 'write', properties: { text: { type: 'string' } }, answer: () => 'written' },
  )
})
afterAll(() => mcp.close())

const get = async (path: string) => {
  const { status, body } = await studio.call('GET', path)
  return status === 200 ? body : [status, body.code]
}

interface Entry {
  name: string
  access: string
  approval?: string
  source: object
  parameters: object
}
const short = (entries: Entry[]) => entries.map(({ name, access, approval }) => [name, access, ...(approval ? [approval] : [])].join(' '))

describe('the tools', () => {
  it('that are built in are listed with what models are told of them', async () => {
    const tools: Entry[] = await get('/api/tools')
    expect(short(tools)).toEqual(['current_time read', 'calculator read', 'json_lookup read', 'http_request write'])
    for (const { source, parameters } of tools) {
      expect(source).toEqual({ type: 'builtin' })
      expect(compileDataSchema(parameters)).not.toHaveProperty('problems')
    }
  })

  it('are of sorts, each with the schema of its config', async () => {
    const sorts: { type: string; schema: object }[] = await get('/api/tools/types')
    expect(sorts.map(({ type }) => type)).toEqual(['builtin', 'http', 'openapi', 'mcp'])
    for (const { schema } of sorts) expect(compileDataSchema(schema)).not.toHaveProperty('problems')
  })

  it('of a deployment are those of its agents, wherever they come from, with what is approved', async () => {
    const document = {
      openapi: '3.1.0',
      servers: [{ url: 'https://api.example.com' }],
      paths: {
        '/orders': { get: { operationId: 'listOrders', summary: 'Lists orders.' }, post: { operationId: 'order', summary: 'Orders.' } },
      },
    }
    const deployment_name = fresh('tools')
    await studio.deployed(deployment_name, {
      ...agents(
        {
          agent_id: 'a',
          config: {
            model: 'demo/echo',
            tools: [
              'calculator',
              { type: 'builtin', name: 'http_request', allowed_hosts: ['example.com'] },
              { type: 'mcp', name: 'm', url: mcp.url, approval: true },
              { type: 'openapi', name: 'shop', document },
            ],
          },
        },
        {
          agent_id: 'b',
          config: {
            model: 'demo/echo',
            approval: 'never',
            tools: [{ type: 'http', name: 'pay', method: 'POST', url: 'https://example.com/pay' }],
          },
        },
      ),
      connections: [{ source_agent_id: 'a', target_agent_id: 'b' }],
    })
    const tools: (Entry & { agent_id: string })[] = await get(`/api/workflows/deployments/${deployment_name}/tools`)
    expect(tools.map(({ agent_id }) => agent_id)).toEqual(['a', 'a', 'a', 'a', 'a', 'a', 'b'])
    expect(short(tools)).toEqual([
      'calculator read writes',
      'http_request read writes',
      'm_look read always',
      'm_write write always',
      'listOrders read writes',
      'order write writes',
      'pay write never',
    ])
    expect(tools[2]!.source).toEqual({ type: 'mcp', url: mcp.url })
    expect(tools[6]!.source).toEqual({ type: 'http', url: 'https://example.com/pay' })
    expect(await get(`/api/workflows/deployments/${deployment_name}/tools?environment=development`)).toEqual([404, 'deployment_not_found'])
    expect(await get('/api/workflows/deployments/none/tools')).toEqual([404, 'deployment_not_found'])
  })
})

describe('the MCP servers of the machine', () => {
  it('are started when one is looked at, and not when they are listed', async () => {
    const idle = { name: 'local', status: 'idle', failure: null }
    expect(await get('/api/tools/servers')).toEqual([idle, { name: 'broken', status: 'idle', failure: null }])
    const detail = await get('/api/tools/servers/local')
    expect(detail).toMatchObject({ name: 'local', status: 'running', failure: null })
    expect(short(detail.tools)).toEqual(['environment read'])
    expect(detail.tools[0].source).toEqual({ type: 'mcp', server: 'local' })
    expect((await get('/api/tools/servers'))[0]).toEqual({ ...idle, status: 'running' })
  })

  it('that cannot be started say so, and nothing that they are given', async () => {
    const detail = await get('/api/tools/servers/broken')
    expect(detail).toMatchObject({ status: 'failed', failure: expect.stringContaining('ENOENT'), tools: [] })
    const [, listed] = await get('/api/tools/servers')
    expect(listed).toMatchObject({ name: 'broken', status: 'failed', failure: expect.stringContaining('ENOENT') })
    expect(JSON.stringify([detail, listed])).not.toContain(SECRET)
    expect(await get('/api/tools/servers/nobody')).toEqual([404, 'mcp_server_not_found'])
  })

  it('that have ended are idle again', async () => {
    const { tools } = await get('/api/tools/servers/local')
    const deployment_name = fresh('local')
    await studio.deployed(
      deployment_name,
      agents({ agent_id: 'a', config: { model: 'demo/assistant', tools: [{ type: 'mcp', name: 'l', server: 'local' }] } }),
    )
    const { body } = await studio.execute({ deployment_name, query: 'x' })
    process.kill(Number(/"pid":(\d+)/.exec(body.response)![1]), 'SIGKILL')
    await until(async () => (await get('/api/tools/servers'))[0].status === 'idle', 'the program to be gone')
    expect((await get('/api/tools/servers/local')).tools).toEqual(tools)
  })
})

describe('the models', () => {
  const providers = async () =>
    new Map<string, Answer['body']>((await get('/api/models')).providers.map((one: { provider: string }) => [one.provider, one]))

  it('say which providers are set up, and by which name, never by which value', async () => {
    await studio.call('PUT', '/api/secrets/production/OPENAI_API_KEY', { value: 'sk-planted-as-a-secret' })
    const found = await providers()
    expect([...found.keys()]).toEqual(['openai', 'anthropic', 'google', 'ollama', 'demo'])
    expect(found.get('openai')).toMatchObject({
      configured: false,
      missing: 'OPENAI_API_KEY',
      secret: 'OPENAI_API_KEY',
      environments_with_secret: ['production'],
    })
    expect(found.get('anthropic')).toMatchObject({
      configured: true,
      missing: null,
      secret: 'ANTHROPIC_API_KEY',
      environments_with_secret: [],
    })
    expect(found.get('ollama')).toMatchObject({ configured: false, missing: 'OLLAMA_BASE_URL', secret: null })
    expect(found.get('demo')).toMatchObject({ configured: true, demo: true, missing: null })
    expect(JSON.stringify([...found.values()])).not.toContain('planted')
  })

  it('have the prices that count, and say whose they are', async () => {
    const found = await providers()
    const model = (name: string) => found.get(name.split('/')[0]!).models.find((one: { model: string }) => one.model === name)
    expect((await get('/api/models')).default).toBe('demo/assistant')
    expect(model('openai/gpt-4o')).toEqual({ model: 'openai/gpt-4o', price: { input: 1, output: 2 }, price_source: 'AGENT_STUDIO_PRICES' })
    expect(model('openai/gpt-4o-mini')).toMatchObject({ price_source: 'built in' })
    expect(model('ollama/*')).toMatchObject({ price: { input: 0, output: 0 }, price_source: 'AGENT_STUDIO_PRICES' })
    expect(model('demo/assistant')).toMatchObject({ price: { input: 0, output: 0 } })
  })

  it('show a key only the environments that it may see', async () => {
    const { body: admin } = await studio.call('POST', '/api/keys', { name: 'admin', scopes: ['admin'] })
    const fields = { name: 'dev', scopes: ['workflow:read'], environments: ['development'] }
    const { body: key } = await studio.call('POST', '/api/keys', fields, { authorization: `Bearer ${admin.key}` })
    const { body } = await studio.call('GET', '/api/models', undefined, { authorization: `Bearer ${key.key}` })
    expect(body.providers[0]).toMatchObject({ provider: 'openai', environments_with_secret: [] })
  })
})
