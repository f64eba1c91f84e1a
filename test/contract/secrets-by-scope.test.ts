import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startMcpServer, type RunningMcpServer } from '../support/mcp-server.ts'
import { writeKeyFile } from '../support/secrets.ts'
import { removeFolder, temporaryFolder } from '../support/server.ts'
import { agents, fresh, useStudio } from '../support/studio.ts'

/** A workflow says where its secrets go, so who may only edit it must find no way to have them sent. */

const folder = temporaryFolder()
const keyFile = writeKeyFile(folder)
const stdioServer = { command: process.execPath, args: [join(import.meta.dirname, '../support/mcp-stdio-server.ts')] }
const studio = useStudio(() => ({
  AGENT_STUDIO_PRIVATE_ADDRESSES: '127.0.0.1',
  AGENT_STUDIO_SECRET_KEY_FILE: keyFile,
  AGENT_STUDIO_ENVIRONMENTS: 'development,production,guarded',
  AGENT_STUDIO_PROTECTED_ENVIRONMENTS: 'guarded:promotion',
  AGENT_STUDIO_MCP_SERVERS: JSON.stringify({ local: stdioServer }),
}))
const SECRET = 'planted-19be07c2d4aa'
const GUARDED = 'guarded-84ac5d90e1f7'
let mcp: RunningMcpServer
/** Answers everything, and keeps what it was sent. */
let sink: Server
const sunk: IncomingHttpHeaders[] = []
let admin: string
let editor: string
let deployer: string

const as = (key: string, method: string, path: string, body?: object) => studio.call(method, path, body, { authorization: `Bearer ${key}` })
const make = async (scopes: string[]): Promise<string> => (await as(admin, 'POST', '/api/keys', { name: fresh('key'), scopes })).body.key

beforeAll(async () => {
  mcp = await startMcpServer({ name: 'look', readOnly: true, answer: () => 'seen' })
  sink = createServer((request, response) => {
    sunk.push(request.headers)
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  }).listen(0, '127.0.0.1')
  await once(sink, 'listening')
  admin = (await studio.call('POST', '/api/keys', { name: 'admin', scopes: ['admin'] })).body.key
  await as(admin, 'PUT', '/api/secrets/production/PLANTED', { value: SECRET })
  await as(admin, 'PUT', '/api/secrets/guarded/PLANTED', { value: GUARDED })
  editor = await make(['workflow:read', 'workflow:write', 'execute', 'execution:read', 'approve'])
  deployer = await make(['workflow:read', 'workflow:write', 'deploy'])
})
afterAll(async () => {
  await mcp.close()
  sink.close()
  removeFolder(folder)
})

const taking = (): string => `http://127.0.0.1:${(sink.address() as AddressInfo).port}/`
const headers = { authorization: 'Bearer {{ secrets.PLANTED }}' }

describe('a workflow that sends a secret to a server of its author', () => {
  let flow: string
  beforeAll(async () => {
    const tools = [
      { type: 'mcp', name: 'files', url: mcp.url, headers },
      { type: 'openapi', name: 'api', url: `${taking()}openapi.json`, headers },
    ]
    const configuration = {
      ...agents({ agent_id: 'a', config: { model: 'demo/echo', tools } }),
      steps: [{ step_id: 'send', step_type: 'http', config: { url: taking(), headers } }],
    }
    flow = (await as(editor, 'POST', '/api/workflows', { name: fresh('taking'), configuration })).body.workflow_id
  })

  it('is not obeyed by a validation for whoever may only edit it', async () => {
    const { status, body } = await as(editor, 'POST', `/api/workflows/${flow}/validate?environment=production`)
    const warning = body.warnings.find(({ code }: { code: string }) => code === 'tools_not_listed')
    expect(status).toBe(200)
    expect(warning.message).toContain("a key that has the scope 'deploy'")
    expect(JSON.stringify([mcp.headers, sunk])).not.toContain(SECRET)
  })

  it.each(['', '/async', '/stream'])('is not run as a draft by whoever may only edit and execute it: execute%s', async (how) => {
    const {
      status,
      body,
      headers: told,
    } = await as(editor, 'POST', `/api/workflows/${flow}/execute${how}`, {
      query: 'x',
      environment: 'production',
    })
    expect([status, body.code, body.scope]).toEqual([403, 'scope_missing', 'deploy'])
    expect(told.get('www-authenticate')).toContain('scope="deploy"')
    expect(JSON.stringify([mcp.headers, sunk])).not.toContain(SECRET)
  })

  it('is, for whoever may deploy it', async () => {
    const { body } = await as(deployer, 'POST', `/api/workflows/${flow}/validate?environment=production`)
    expect(JSON.stringify(body.warnings)).not.toContain('tools_not_listed')
    expect(mcp.headers.some(({ authorization }) => authorization === `Bearer ${SECRET}`)).toBe(true)
  })

  it('has none of those of a protected environment, whoever asks, and before it is promoted there', async () => {
    const name = fresh('draft')
    const tools = [{ type: 'mcp', name: 'files', url: mcp.url, headers }]
    const configuration = agents({ agent_id: 'a', config: { model: 'demo/echo', tools } })
    const { workflow_id } = (await as(editor, 'POST', '/api/workflows', { name, configuration })).body
    expect((await as(deployer, 'POST', `/api/workflows/${workflow_id}/deploy`, { deployment_name: name })).status).toBe(200)
    const target = { deployment_name: name, environment: 'guarded', dry_run: true }
    const answers = [
      await as(deployer, 'POST', `/api/workflows/${workflow_id}/validate?environment=guarded`),
      await as(deployer, 'POST', `/api/workflows/${workflow_id}/deploy`, target),
      await as(deployer, 'GET', `/api/workflows/deployments/${name}/diff?to=draft&to_environment=guarded`),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(JSON.stringify([mcp.headers, sunk])).not.toContain(GUARDED)
  })
})

describe('a draft with tools of an MCP server of the operator', () => {
  it('is run only by whoever may deploy', async () => {
    const configuration = agents({ agent_id: 'a', config: { model: 'demo/echo', tools: [{ type: 'mcp', name: 'own', server: 'local' }] } })
    const { workflow_id } = (await as(editor, 'POST', '/api/workflows', { name: fresh('local'), configuration })).body
    const run = async (key: string) => (await as(key, 'POST', `/api/workflows/${workflow_id}/execute`, { query: 'x' })).body
    expect(await run(editor)).toMatchObject({ code: 'scope_missing', scope: 'deploy' })
    expect(await run(await make(['execute', 'deploy']))).toMatchObject({ status: 'success' })
  })
})
