import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { until, type Answer } from '../support/api.ts'
import type { Reply } from '../support/scripted-model.ts'
import { useScriptedModels } from '../support/scripted-models.ts'
import { agents, fresh, useStudio } from '../support/studio.ts'

/** What a workflow does that it should not, all at once: each gets its error within its limit, and who is beside them notices nothing. */

const models = useScriptedModels()
const studio = useStudio(() => ({ ...models.env(), AGENT_STUDIO_PRIVATE_ADDRESSES: '127.0.0.1' }))

/** Answers with 100 MB, as long as somebody takes it. */
let flood: Server
let url = ''
let sent = 0
let toolCalls = 0
beforeAll(async () => {
  const piece = Buffer.alloc(65_536, 'x')
  flood = createServer((request, response) => {
    if (request.url === '/tool') {
      toolCalls++
      return void response.end('"ok"')
    }
    response.writeHead(200, { 'content-type': 'text/plain' })
    let left = 100_000_000
    const push = (): void => {
      while (left > 0 && !response.destroyed) {
        left -= piece.length
        sent += piece.length
        if (!response.write(piece)) return void response.once('drain', push)
      }
      response.end()
    }
    push()
  })
  flood.listen(0, '127.0.0.1')
  await once(flood, 'listening')
  url = `http://127.0.0.1:${(flood.address() as AddressInfo).port}`
})
afterAll(async () => {
  flood.closeAllConnections()
  flood.close()
  await once(flood, 'close')
})

const step = (step_type: string, config: object): object => ({ steps: [{ step_id: 'x', step_type, config }] })
const tool = (): object => ({
  type: 'http',
  name: 'ask',
  description: 'Asks.',
  url: `${url}/tool`,
  parameters: { type: 'object', required: ['n'], properties: { n: { type: 'integer' } }, additionalProperties: false },
})
const agent = (reply: (request: number) => Reply, config: object = {}): object =>
  agents({ agent_id: 'x', config: { model: models.model(reply), tools: [tool()], ...config } })
const calls = (name: string, given: string): Reply => ({ toolCalls: [{ name, arguments: given }] })
/** Says what it was told. */
const retells = (name: string, given: string): object => {
  const configuration = agent((request) => (request === 1 ? calls(name, given) : { text: told(configuration) }))
  return configuration
}
function told(configuration: object): string {
  const [{ config }] = (configuration as { agents: [{ config: { model: string } }] }).agents
  return String(
    models
      .requests(config.model)
      .at(-1)!
      .body.messages!.findLast(({ role }) => role === 'tool')!.content,
  )
}

interface Bad {
  what: string
  configuration: () => object
  /** Of the execution; or what it answers, where it is the model that is told. */
  code?: string
  response?: RegExp
  /** Of the step that it is noted at. */
  at?: string
  /** Milliseconds that it may take, on a machine that has other things to do as well. */
  within: number
}

const bad: Bad[] = [
  {
    what: 'a template that reads constructor',
    configuration: () => step('transform', { template: '{{ input.constructor.constructor }}' }),
    code: 'template_failed',
    at: 'x',
    within: 2_000,
  },
  {
    what: 'a template that reads __proto__',
    configuration: () => step('transform', { mapping: '{{ input["__proto__"].x }}' }),
    code: 'template_failed',
    at: 'x',
    within: 2_000,
  },
  {
    what: 'a template that hardly ends',
    configuration: () => step('transform', { template: '{% for a in (1..9999) %}{% for b in (1..9999) %}{{ a }}{% endfor %}{% endfor %}' }),
    code: 'template_limit',
    at: 'x',
    within: 3_000,
  },
  {
    what: 'code that takes 2 GB',
    configuration: () => step('code', { source: 'return new ArrayBuffer(2 ** 31 - 1).byteLength' }),
    code: 'code_out_of_memory',
    at: 'x',
    within: 5_000,
  },
  {
    what: 'code that takes 2 GB bit by bit',
    configuration: () => step('code', { source: 'const all = []; for (;;) all.push("x".repeat(1e6) + all.length)', timeout: 30 }),
    code: 'code_out_of_memory',
    at: 'x',
    within: 35_000,
  },
  {
    what: 'code that never ends',
    configuration: () => step('code', { source: 'for (;;);' }),
    code: 'code_timed_out',
    at: 'x',
    within: 6_000,
  },
  { what: 'an answer of 100 MB to a step', configuration: () => step('http', { url }), code: 'answer_too_large', at: 'x', within: 10_000 },
  {
    what: 'an answer of 100 MB to a tool',
    configuration: () =>
      agent((request) => (request === 1 ? calls('big', '{}') : { text: 'gave up' }), { tools: [{ type: 'http', name: 'big', url }] }),
    response: /^gave up$/,
    at: 'x#1.1',
    within: 10_000,
  },
  {
    what: 'an answer of 100 MB of a model',
    configuration: () => agent(() => ({ raw: (outgoing) => void pour(outgoing) }), { max_retries: 0 }),
    code: 'model_failed',
    at: 'x#1',
    within: 15_000,
  },
  {
    what: 'a tool that does not exist',
    configuration: () => retells('nothing', '{}'),
    response: /There is no tool named 'nothing'/,
    within: 3_000,
  },
  {
    what: 'arguments that break the schema',
    configuration: () => retells('ask', '{"n":"seven","more":1}'),
    response: /do not fit the schema of 'ask'/,
    within: 3_000,
  },
  { what: 'arguments that are no JSON', configuration: () => retells('ask', '{"n":'), response: /must be a JSON object/, within: 3_000 },
  {
    what: 'a model that calls tools for ever',
    configuration: () => agent(() => calls('ask', '{"n":1}')),
    code: 'agent_turn_limit',
    within: 10_000,
  },
  {
    what: 'a model that calls ever more of them',
    configuration: () => agent(() => calls('ask', '{"n":1}'), { limits: { max_tool_calls: 4 } }),
    code: 'agent_limit',
    within: 5_000,
  },
]

function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => outgoing.once('drain', resolve))
}

/** A line without an end, as an event stream has none. */
async function pour(outgoing: ServerResponse): Promise<void> {
  outgoing.writeHead(200, { 'content-type': 'text/event-stream' })
  const closed = once(outgoing, 'close')
  const piece = `data: ${'x'.repeat(60_000)}`
  for (let left = 100_000_000; left > 0 && !outgoing.destroyed; left -= piece.length) {
    if (!outgoing.write(piece)) await Promise.race([drained(outgoing), closed])
  }
  outgoing.end()
}

/** Asks again where the server says that it has too much to do, as it may beside all this. */
async function ask(method: string, path: string, body?: object): Promise<Answer> {
  for (;;) {
    const answer = await studio.call(method, path, body)
    if (answer.status !== 503) return answer
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function ended(id: string): Promise<Answer['body']> {
  return until(async () => {
    const { body } = await ask('GET', `/api/executions/${id}`)
    return body.ended_at !== null && body
  }, 'the end')
}

/** @returns what is not as it should be, in words */
async function check({ what, configuration, code, response, at, within }: Bad): Promise<string[]> {
  const deployment_name = fresh('bad')
  const made = await ask('POST', '/api/workflows', { name: deployment_name, configuration: configuration() })
  const deployed = await ask('POST', `/api/workflows/${made.body.workflow_id}/deploy`, { deployment_name })
  if (deployed.status !== 200) return [`${what} is not deployed: ${JSON.stringify(deployed.body)}`]
  const { body } = await ask('POST', '/api/workflows/execute/async', { deployment_name, query: 'go', input: {} })
  const execution = await ended(body.execution_id)
  const { body: steps } = await ask('GET', `/api/executions/${body.execution_id}/steps`)
  const took = Date.parse(execution.ended_at) - Date.parse(execution.started_at)
  const isAsExpected = code === undefined ? response!.test(execution.response) : execution.error?.code === code
  const isNoted = at === undefined || steps.some(({ step_id }: { step_id: string }) => step_id === at)
  return [
    ...(isAsExpected ? [] : [`${what} ended with ${JSON.stringify(execution.error ?? execution.response)}`]),
    ...(took < within ? [] : [`${what} took ${took} ms`]),
    ...(isNoted ? [] : [`${what} is not noted at ${at}`]),
  ]
}

it('each is told what was wrong with it within its limit, and nobody beside them notices', { timeout: 60_000 }, async () => {
  const beside = fresh('beside')
  await studio.deployed(beside)
  const isOver = new AbortController()
  const times: number[] = []
  let refused = 0
  const neighbour = async (): Promise<void> => {
    while (!isOver.signal.aborted) {
      const began = performance.now()
      const { status, body } = await studio.execute({ deployment_name: beside, query: 'still there?' })
      // A machine that is busy with other things may have the server refuse some, at once.
      if (status === 503) refused++
      else if (body.response === 'still there?') times.push(performance.now() - began)
      else throw new Error(JSON.stringify(body))
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  const beginning = Promise.allSettled([neighbour(), neighbour()])
  // Some at a time; each is looked at, whatever becomes of the others.
  const checked: PromiseSettledResult<string[]>[] = []
  for (let at = 0; at < bad.length; at += 4) checked.push(...(await Promise.allSettled(bad.slice(at, at + 4).map(check))))
  isOver.abort()
  const wrong = [...checked, ...(await beginning)].flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : (one.value ?? [])))
  expect(wrong).toEqual([])
  expect(times.length).toBeGreaterThan(2 * refused)
  const sorted = times.toSorted((a, b) => a - b)
  // A server that a template or a list holds up stands still for as long.
  expect(sorted[Math.floor(sorted.length * 0.9)]).toBeLessThan(1_000)
  // Nobody read the floods to their end.
  expect(sent).toBeLessThan(100_000_000)
  // A call in each turn that an agent has at most, and those that the other was allowed.
  expect(toolCalls).toBe(25 + 4)
})

it('an approval that is answered twice is decided once', async () => {
  const deployment_name = fresh('asked')
  await studio.deployed(deployment_name, step('approval', { message: 'May it?' }))
  const { body } = await studio.call('POST', '/api/workflows/execute/async', { deployment_name, query: 'go' })
  const path = `/api/executions/${body.execution_id}`
  await until(async () => (await studio.call('GET', path)).body.status === 'waiting', 'the question')
  const answers = await Promise.all(
    ['approve', 'reject', 'approve', 'reject'].map((decision) => studio.call('POST', `${path}/${decision}`, { comment: decision })),
  )
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409, 409, 409])
  for (const { status, body } of answers) if (status === 409) expect(['approval_decided', 'execution_ended']).toContain(body.code)
  const won = answers.findIndex(({ status }) => status === 200)
  const { response } = await ended(body.execution_id)
  expect(JSON.parse(response)).toMatchObject({ decision: won % 2 === 0 ? 'approved' : 'rejected' })
})

it('an agent with a tool that does not exist is not deployed, and the answer says where', async () => {
  const id = await studio.workflow(agents({ agent_id: 'x', config: { model: 'demo/echo', tools: ['calculator', 'telephone'] } }))
  const refused = await studio.call('POST', `/api/workflows/${id}/deploy`, { deployment_name: fresh('without') })
  expect([refused.status, refused.body.errors]).toEqual([
    422,
    [{ pointer: '/configuration/agents/0/config/tools/1', code: 'unknown_tool', message: expect.stringContaining('telephone') }],
  ])
})
