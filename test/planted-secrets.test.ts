import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call, until, type Answer } from './support/api.ts'
import { startMcpServer, type RunningMcpServer } from './support/mcp-server.ts'
import { inBodies, inHeaders, planted, quotedBadly, tracesOf } from './support/planted.ts'
import { startScriptedModel, type RecordedRequest, type Reply, type ScriptedModel } from './support/scripted-model.ts'
import { writeKeyFile } from './support/secrets.ts'
import { removeFolder, runCommand, startServer, temporaryFolder, type TestServer } from './support/server.ts'

/**
 * Twenty secrets are used by nodes of every kind, whose counterparts quote all that they know in every answer and error. None of
 * it may be found anywhere afterwards. Each counterpart says `seen-<what>` as well, which must be found: so that nothing is
 * missed because it was never recorded.
 */

let folder: string
let server: TestServer
let model: ScriptedModel
let echo: { server: Server; url: string }
let mcp: RunningMcpServer
/** Everything that anybody was told. */
const told: [where: string, text: string][] = []

const everything = (seen: string) => `seen-${seen} ${Object.values(planted).map(quotedBadly).join('\n')} seen-${seen}-end`

/** What an agent's model does. Whatever the name of the model begins with. */
const modelReplies: Record<string, (request: RecordedRequest, times: number) => Reply> = {
  says: () => ({ text: everything('says') }),
  spells: () => ({ pieces: Array.from(everything('spells').slice(0, 6_000)) }),
  breaks: (_, times) => {
    const pieces = everything('breaks').match(/[\s\S]{1,7}/g)!
    return times === 1 ? { pieces, breakAfter: Math.floor(pieces.length / 2) } : { text: everything('breaks') }
  },
  refuses: (request) => ({
    status: 401,
    body: { error: { message: `seen-refuses ${request.headers.authorization} ${everything('refuses')}` } },
  }),
  fails: (request) => ({ status: 500, body: `seen-fails ${quotedBadly(String(request.headers.authorization))}` }),
  cut: (request) => ({ status: 400, body: { error: { message: `seen-cut${'x'.repeat(275)}${request.headers.authorization}` } } }),
  stops: (request) => ({ pieces: ['one ', 'two '], streamError: { error: { message: `seen-stops ${request.headers.authorization}` } } }),
  calls: (request, times) =>
    times === 1
      ? { text: everything('calls'), toolCalls: [{ name: 'helper', arguments: JSON.stringify({ query: everything('calls') }) }] }
      : { text: `seen-calls-again ${request.headers.authorization}` },
  mcp: (_, times) =>
    times === 1
      ? { toolCalls: ['look', 'fail'].map((name) => ({ name: `crm_${name}`, arguments: '{}' })) }
      : { text: everything('mcp-answer') },
  tools: (_, times) =>
    times === 1
      ? {
          toolCalls: [
            { name: 'ask', arguments: JSON.stringify({ about: planted['HEX'] }) },
            { name: planted['UUID']!, arguments: planted['MARKS']! },
          ],
        }
      : { text: everything('tools') },
}

beforeAll(async () => {
  folder = temporaryFolder()
  model = await startScriptedModel()
  const asked = new Map<string, number>()
  model.always((body, request) => {
    const times = (asked.get(body.model!) ?? 0) + 1
    asked.set(body.model!, times)
    return modelReplies[body.model!.split('-')[0]!]!(request, times)
  })
  echo = await startEcho()
  const quoting = (seen: string) => () => `${everything(seen)} ${JSON.stringify(mcp.headers)}`
  mcp = await startMcpServer(
    { name: 'look', description: everything('mcp-description'), readOnly: true, answer: quoting('mcp-result') },
    { name: 'fail', readOnly: true, answer: quoting('mcp-error'), isError: true },
  )
  server = await startServer(folder, {
    AGENT_STUDIO_SECRET_KEY_FILE: writeKeyFile(folder),
    AGENT_STUDIO_PRIVATE_ADDRESSES: '127.0.0.0/8',
    OPENAI_BASE_URL: model.baseUrl,
    ANTHROPIC_API_KEY: environmentKey,
    LOG_LEVEL: 'trace',
  })
  for (const [name, value] of Object.entries(planted)) await ask('PUT', `/api/secrets/production/${name}`, { value })
})
afterAll(async () => {
  await server.kill()
  await model.close()
  await mcp.close()
  echo.server.closeAllConnections()
  await new Promise((resolve) => echo.server.close(resolve))
  removeFolder(folder)
})

/** A key that the operator has given, and no secret of ours. */
const environmentKey = `sk-ant-${Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString('base64url')}`

async function ask(method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<Answer> {
  const answer = await call(server.url, method, path, body, headers)
  told.push([`${method} ${path}`, JSON.stringify([[...answer.headers], answer.body])])
  return answer
}

/** Quotes the whole request, and all that it knows, with the status that the path asks for. */
async function startEcho(): Promise<typeof echo> {
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    let body = ''
    for await (const chunk of incoming.setEncoding('utf8')) body += chunk
    const request = [incoming.url, ...incoming.rawHeaders, body].join('\n')
    const [, how] = incoming.url!.split(/[/?]/)
    const text = `seen-echo-${how} ${request} ${decodeURIComponent(incoming.url!)} ${everything(`echo-${how}`)}`
    const header = { 'x-echo': Buffer.from(request).toString('base64url').slice(0, 4_000) }
    if (how === 'broken') {
      outgoing.writeHead(200, { ...header, 'content-length': text.length * 2 }).write(text)
      return void setTimeout(() => outgoing.destroy(), 10)
    }
    if (how === 'cut') return void outgoing.writeHead(400, header).end(`seen-echo-cut ${'x'.repeat(165)}${planted['LONG']}`)
    if (how === 'json') {
      const values = Object.entries(planted).map(([name, value]) => ({ name, value, [value]: quotedBadly(value) }))
      return void outgoing
        .writeHead(200, { ...header, 'content-type': 'application/json' })
        .end(JSON.stringify({ seen: 'seen-echo-json', request, values }))
    }
    outgoing.writeHead(Number(how), { ...header, 'content-type': 'text/plain' }).end(text)
  }
  const made = createServer((incoming, outgoing) => void answer(incoming, outgoing).catch(() => outgoing.destroy()))
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve))
  return { server: made, url: `http://127.0.0.1:${(made.address() as AddressInfo).port}` }
}

interface Use {
  configuration: () => Record<string, unknown>
  ends: 'completed' | 'failed'
  /** What must be found of it, as the counterpart says it: `seen-…`. */
  seen: readonly string[]
}

const agent = (model_: string, config: object = {}) => ({ agent_id: 'a', config: { model: `openai/${model_}`, ...config } })
const alone = (node: object) => ({ agents: [node], connections: [] })
const step = (step_id: string, step_type: string, config: object) => ({ step_id, step_type, config })
const flow = (...steps: { step_id: string }[]) => ({
  steps,
  connections: steps.slice(1).map(({ step_id }, index) => ({ source_step_id: steps[index]!.step_id, target_step_id: step_id })),
})
const everyHeader = () =>
  Object.fromEntries(Object.keys(inHeaders).map((name) => [`x-${name.toLowerCase().replaceAll('_', '-')}`, `{{ secrets.${name} }}`]))
const everyBody = () => Object.fromEntries(Object.keys(planted).map((name) => [name, `Value: {{ secrets.${name} }}`]))
const request = (how: string, more: object = {}) => ({
  url: `${echo.url}/${how}?key={{ secrets.MARKS | url_encode }}`,
  method: 'PUT',
  headers: { ...everyHeader(), authorization: 'Basic {{ secrets.LOGIN | base64_encode }}' },
  query: { token: '{{ secrets.UMLAUTS }}' },
  body: everyBody(),
  ...more,
})

/** A new kind of node, or another way in which it may say too much, is one more line. */
const uses: Record<string, Use> = {
  'an agent whose model says them': { configuration: () => alone(agent('says')), ends: 'completed', seen: ['says', 'says-end'] },
  'an agent whose model spells them': { configuration: () => alone(agent('spells')), ends: 'completed', seen: ['spells'] },
  'an agent whose model breaks off': {
    configuration: () => alone(agent('breaks', { api_key: '{{ secrets.JWT }}' })),
    ends: 'completed',
    seen: ['breaks', 'breaks-end'],
  },
  'an agent that is refused': {
    configuration: () => alone(agent('refuses', { api_key: '{{ secrets.HEX }}' })),
    ends: 'failed',
    seen: ['refuses'],
  },
  'an agent whose provider fails': {
    configuration: () => alone(agent('fails', { api_key: '{{ secrets.MARKS }}' })),
    ends: 'failed',
    seen: ['fails'],
  },
  'an agent whose error is cut': {
    configuration: () => alone(agent('cut', { api_key: '{{ secrets.LONG }}' })),
    ends: 'failed',
    seen: ['cut'],
  },
  'an agent whose stream has an error': {
    configuration: () => alone(agent('stops', { api_key: '{{ secrets.AWS_SECRET }}' })),
    ends: 'failed',
    seen: ['stops'],
  },
  'an agent that calls another': {
    configuration: () => ({
      agents: [agent('calls', { api_key: '{{ secrets.GITHUB_TOKEN }}' }), { ...agent('says-too'), agent_id: 'helper' }],
      connections: [{ source_agent_id: 'a', target_agent_id: 'helper' }],
    }),
    ends: 'completed',
    seen: ['calls', 'calls-again', 'says'],
  },
  'an agent with an HTTP tool': {
    configuration: () => alone(agent('tools', { tools: [{ type: 'http', name: 'ask', approval: false, ...request('json') }] })),
    ends: 'completed',
    seen: ['echo-json', 'tools'],
  },
  'an agent with MCP tools': {
    configuration: () => alone(agent('mcp', { tools: [{ type: 'mcp', name: 'crm', url: mcp.url, headers: everyHeader() }] })),
    ends: 'completed',
    seen: ['mcp-description', 'mcp-result', 'mcp-error', 'mcp-answer'],
  },
  'an HTTP step that is answered': {
    configuration: () => flow(step('ask', 'http', request('json', { output: 'response' }))),
    ends: 'completed',
    seen: ['echo-json'],
  },
  'an HTTP step that is refused': { configuration: () => flow(step('ask', 'http', request('401'))), ends: 'failed', seen: ['echo-401'] },
  'an HTTP step that fails': { configuration: () => flow(step('ask', 'http', request('500'))), ends: 'failed', seen: ['echo-500'] },
  'an HTTP step whose error is cut': { configuration: () => flow(step('ask', 'http', request('cut'))), ends: 'failed', seen: ['echo-cut'] },
  'an HTTP step whose answer breaks off': { configuration: () => flow(step('ask', 'http', request('broken'))), ends: 'failed', seen: [] },
  'an HTTP step whose JSON is none': {
    configuration: () => flow(step('ask', 'http', request('200', { parse: 'json' }))),
    ends: 'failed',
    seen: [],
  },
  'an HTTP step to an address that is a secret': {
    configuration: () => flow(step('ask', 'http', { url: '{{ secrets.DATABASE_URL }}' })),
    ends: 'failed',
    seen: [],
  },
  'a notification that fails': {
    configuration: () =>
      flow(
        step('tell', 'notify', { url: `${echo.url}/400?{{ secrets.UUID }}`, secret: '{{ secrets.HEX }}', data: { seen: 'seen-notify' } }),
      ),
    ends: 'failed',
    seen: ['notify', 'echo-400'],
  },
  'steps that pass on what they were told': {
    configuration: () => {
      const { steps, connections } = flow(
        step('ask', 'http', request('json')),
        step('text', 'transform', { template: 'seen-transform {{ steps.ask.output.request }} {{ steps.ask.output.values[3].value }}' }),
        step('value', 'transform', { mapping: { seen: 'seen-mapping', all: '{{ steps.ask.output }}' } }),
        step('each', 'map', { items: '{{ steps.ask.output.values }}' }),
        step('compute', 'code', {
          source: `console.log(steps.ask.output.request); return { seen: 'seen-code', all: steps.ask.output.values }`,
        }),
        step('end', 'output', { value: 'seen-output {{ steps.ask.output.request }}' }),
      )
      const one = step('one', 'transform', { template: 'seen-item {{ item.value }}' })
      return {
        steps: [...steps, one],
        connections: [
          ...connections,
          { source_step_id: 'each', target_step_id: 'one', source_handle: 'body' },
          { source_step_id: 'one', target_step_id: 'each' },
        ],
      }
    },
    ends: 'completed',
    seen: ['transform', 'mapping', 'item', 'code', 'output'],
  },
  'code that throws what it was told': {
    configuration: () =>
      flow(step('ask', 'http', request('200')), step('compute', 'code', { source: 'throw new Error("seen-thrown " + steps.ask.output)' })),
    ends: 'failed',
    seen: ['thrown'],
  },
}

/** Runs a use over a stream, and again with an answer, once by somebody who sends the secrets himself. */
async function run(name: string, { configuration, ends }: Use): Promise<void> {
  const deployment_name = name.replaceAll(' ', '-')
  const { body: workflow } = await ask('POST', '/api/workflows', { name, configuration: configuration() })
  const deployed = await ask('POST', `/api/workflows/${workflow.workflow_id}/deploy`, {
    deployment_name,
    runtime_config: { max_retries: 1 },
  })
  expect([deployed.status, deployed.body.errors]).toEqual([200, undefined])
  const stream = await fetch(`${server.url}/api/workflows/execute/stream`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ deployment_name, query: 'seen-query' }),
  })
  told.push([`the stream of ${name}`, await stream.text()])
  const asked = {
    deployment_name,
    query: `seen-asked ${planted['HEX']}`,
    input: { all: planted },
    chat_history: [{ role: 'user', content: planted['PRIVATE_KEY']! }],
  }
  await ask('POST', '/api/workflows/execute', asked, { 'idempotency-key': deployment_name })
  await ask('POST', '/api/workflows/execute', asked, { 'idempotency-key': deployment_name })
  await until(async () => {
    const { body } = await call(server.url, 'GET', `/api/executions?deployment_name=${deployment_name}`)
    return body.every((one: { ended_at: string | null }) => one.ended_at)
  }, 'the executions to end')
  const { body: executions } = await ask('GET', `/api/executions?deployment_name=${deployment_name}`)
  expect(executions.map((one: { status: string }) => one.status)).toEqual([ends, ends])
  for (const { execution_id } of executions) {
    await ask('GET', `/api/executions/${execution_id}`)
    await ask('GET', `/api/executions/${execution_id}/steps?limit=500`)
    told.push([`the events of ${name}`, await (await fetch(`${server.url}/api/executions/${execution_id}/events`)).text()])
  }
}

/** Every value of every table, since one that is long lies in several pages of the file. */
function contentOf(file: string): [string, Buffer][] {
  const database = new DatabaseSync(file, { readOnly: true })
  const tables = database.prepare(`select name from sqlite_schema where type = 'table'`).all() as { name: string }[]
  const found = tables.flatMap(({ name }) =>
    database
      .prepare(`select * from "${name}"`)
      .all()
      .flatMap((row) =>
        Object.entries(row).map(([column, value]): [string, Buffer] => [
          `${name}.${column}`,
          value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(String(value)),
        ]),
      ),
  )
  database.close()
  return found
}

function filesIn(path: string): [string, Buffer][] {
  return readdirSync(path).map((name) => [name, readFileSync(join(path, name))])
}

const secretValues = [...Object.entries(planted), ['ANTHROPIC_API_KEY', environmentKey] as const]

/** Which secrets are where. */
function leaks(evidence: readonly [string, Buffer][]): string[] {
  const traces = secretValues.map(([name, value]) => [name, tracesOf(value)] as const)
  return evidence.flatMap(([where, bytes]) =>
    traces.flatMap(([name, spellings]) => {
      const found = spellings.find((trace) => bytes.includes(trace))
      return found ? [`${name} in ${where}: ${found.toString().slice(0, 40)}`] : []
    }),
  )
}

describe('twenty planted secrets', () => {
  it('are twenty, and each can be found where it is', () => {
    expect(Object.keys(planted).length).toBe(20)
    for (const [name, value] of Object.entries(planted)) {
      for (const quoted of [value, JSON.stringify(value), encodeURIComponent(value), quotedBadly(value)]) {
        expect(leaks([['here', Buffer.from(quoted)]]).join()).toContain(`${name} in here`)
      }
    }
  })

  for (const [name, use] of Object.entries(uses)) {
    it(`are used by ${name}`, { timeout: 60_000 }, () => run(name, use))
  }

  it('are used, all of them: each came to where it was sent', () => {
    const sent = model.requests.map(({ headers }) => String(headers.authorization))
    for (const name of ['OPENAI_API_KEY', 'JWT', 'HEX', 'MARKS', 'LONG', 'AWS_SECRET', 'GITHUB_TOKEN']) {
      expect(sent).toContain(`Bearer ${planted[name]}`)
    }
    expect(Object.keys(inBodies).length + Object.keys(inHeaders).length).toBe(20)
  })

  it('are in no answer, event, log or metric', async () => {
    for (const path of [
      '/metrics',
      '/api/secrets',
      '/api/variables',
      '/api/workflows',
      '/api/agents',
      '/api/workflows/deployments',
      '/openapi.json',
    ]) {
      told.push([path, await (await fetch(server.url + path)).text()])
    }
    told.push(['/api/audit', await (await fetch(`${server.url}/api/audit?limit=500`)).text()], ['the log', server.output()])
    expect(leaks(told.map(([where, text]) => [where, Buffer.from(text)]))).toEqual([])
  })

  it('are sent to no model, but as its key', () => {
    expect(
      leaks(model.requests.map(({ body }): [string, Buffer] => [`a request for ${body.model}`, Buffer.from(JSON.stringify(body))])),
    ).toEqual([])
  })

  it('are in no file of the database, its log, or a backup', { timeout: 60_000 }, async () => {
    const data = join(folder, '.agent-studio')
    const backup = join(folder, 'backup.db')
    const { code, stdout, stderr } = await runCommand(folder, ['backup', backup])
    expect([code, stderr]).toEqual([0, ''])
    const exported = await runCommand(folder, ['audit', 'export'])
    const evidence: [string, Buffer][] = [
      ['the backup command', Buffer.from(stdout)],
      ['the exported trail', Buffer.from(exported.stdout)],
      ...filesIn(data),
      ['the backup', readFileSync(backup)],
      ...contentOf(join(data, 'agent-studio.db')),
    ]
    expect(evidence.map(([where]) => where)).toContain('agent-studio.db-wal')
    expect(leaks(evidence)).toEqual([])
    await server.stop()
    expect(leaks([...filesIn(data), ['the log', Buffer.from(server.output())]])).toEqual([])
  })

  it('were not hidden by recording nothing: what stood beside them is there', () => {
    const recorded = contentOf(join(folder, '.agent-studio/agent-studio.db')).map(([, bytes]) => bytes.toString())
    // What a tool is, models are told.
    const inAnswers = [...told.map(([, text]) => text), ...model.requests.map(({ body }) => JSON.stringify(body))]
    for (const { seen } of Object.values(uses)) {
      for (const word of ['query', 'asked', ...seen]) {
        expect([word, recorded.some((text) => text.includes(`seen-${word}`))]).toEqual([word, true])
        expect([word, inAnswers.some((text) => text.includes(`seen-${word}`))]).toEqual([word, true])
      }
    }
  })
})
