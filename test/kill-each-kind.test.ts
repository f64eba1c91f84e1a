import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stepKinds } from '../src/nodes/kinds.ts'
import { call, readEvents, until, type Answer } from './support/api.ts'
import { startCountingServer, type CountingServer } from './support/counting-server.ts'
import { useScriptedModels } from './support/scripted-models.ts'
import { removeFolder, startServer, temporaryFolder, type TestServer } from './support/server.ts'
import { useStudio } from './support/studio.ts'
import { CommitOrders, type CommitOrder } from './torture/commit-orders.ts'
import { joinEnv } from './torture/preload.ts'

/**
 * One kill -9 that finds a step of every kind before, during and after its work. What was recorded does not run again, what was
 * interrupted runs once more, and the answers are those of a server that nobody killed; the effects are counted by a process
 * that lives through it.
 */

const moments = ['before', 'during', 'after'] as const
type Moment = (typeof moments)[number]

interface KindRow {
  /** The step, whose id is `x`, and what it needs around it; `at` is an address that counts. */
  graph: (at: string) => { step?: object; steps?: object[]; agents?: object[]; connections?: object[] }
  /** What `x` gives. */
  gives: unknown
  /** What it does outside: how often, when nobody kills. */
  effects: Record<string, number>
  /** What is held so that the kill finds it at work; nothing where it holds by itself, or where nothing lies between its begin and its end. */
  held?: string
  /** How often each step of it was begun, when the kill found it at work; 1 for those left out. */
  begun?: Record<string, number>
  /** It computes, and is recorded in the moment that it begins: the second table kills those. */
  isInstant?: true
  /** It goes on by somebody's word, and rests on disk until then, so that a kill interrupts nothing. */
  wake?: (id: string) => Promise<unknown>
}

let outside: CountingServer
const models = useScriptedModels()
let inner = ''
/** What the model was asked: the address that it plays. */
const asked: string[] = []
const heldModels = new Map<string, PromiseWithResolvers<void>>()
const model: string = models.model(async () => {
  const url = String(models.requests(model).at(-1)!.body.messages!.at(-1)!.content)
  asked.push(url)
  await heldModels.get(url)?.promise
  return { text: 'spoken' }
})

const post = (step_id: string, url: string): object => ({ step_id, step_type: 'http', config: { method: 'POST', url } })
const step = (step_type: string, config: object): { step: object } => ({ step: { step_id: 'x', step_type, config } })

/** For about two seconds. */
const LONG = 'let sum = 0; for (let i = 0; i < 3e7; i++) sum = (sum + i) % 7; return sum'

const kinds: Record<string, KindRow> = {
  transform: {
    graph: () => step('transform', { mapping: { a: '{{ steps.first.output }}' } }),
    gives: { a: 'first' },
    effects: {},
    isInstant: true,
  },
  branch: {
    graph: () => step('branch', { cases: [{ name: 'yes', when: "steps.first.output == 'first'" }] }),
    gives: { case: 'yes' },
    effects: {},
    isInstant: true,
  },
  output: { graph: () => step('output', { template: 'o {{ steps.first.output }}' }), gives: 'o first', effects: {}, isInstant: true },
  http: { graph: (at) => ({ step: post('x', `${at}/at`) }), gives: 'at', effects: { at: 1 }, held: 'at', begun: { x: 2 } },
  notify: {
    graph: (at) => step('notify', { url: `${at}/at`, data: 7 }),
    gives: { status: 200, webhook_id: expect.any(String) },
    effects: { at: 1 },
    held: 'at',
    begun: { x: 2 },
  },
  code: {
    graph: () => step('code', { source: LONG, timeout: 60 }),
    gives: Number(((30_000_000n * 29_999_999n) / 2n) % 7n),
    effects: {},
    begun: { x: 2 },
  },
  map: {
    graph: (at) => ({
      ...step('map', { items: [10, 11, 12], concurrency: 3 }),
      steps: [post('each', `${at}/at-{{ item }}`)],
      connections: [{ source_step_id: 'x', target_step_id: 'each', source_handle: 'body' }],
    }),
    gives: ['at-10', 'at-11', 'at-12'],
    effects: { 'at-10': 1, 'at-11': 1, 'at-12': 1 },
    held: 'at-11',
    begun: { x: 2, 'x[1]/each': 2 },
  },
  loop: {
    graph: (at) => ({
      ...step('loop', { until: 'iteration == 2' }),
      steps: [post('each', `${at}/at-{{ iteration }}`)],
      connections: [{ source_step_id: 'x', target_step_id: 'each', source_handle: 'body' }],
    }),
    gives: 'at-2',
    effects: { 'at-0': 1, 'at-1': 1, 'at-2': 1 },
    held: 'at-1',
    begun: { x: 2, 'x[1]/each': 2 },
  },
  workflow: {
    graph: (at) => step('workflow', { workflow_id: inner, input: { at } }),
    gives: 'inner at',
    effects: { at: 1 },
    held: 'at',
    begun: { x: 2, 'x/asks': 2 },
  },
  agent: {
    graph: (at) => step('agent', { model, prompt: `${at}/at` }),
    gives: 'spoken',
    effects: { at: 1 },
    held: 'at',
    begun: { 'x#1': 2 },
  },
  wait: { graph: () => step('wait', { seconds: 4 }), gives: null, effects: {} },
  approval: {
    graph: () => step('approval', { message: 'May it?' }),
    gives: expect.objectContaining({ decision: 'approved', comment: 'so be it' }),
    effects: {},
    wake: (id) => studio.call('POST', `/api/executions/${id}/approve`, { comment: 'so be it' }),
  },
  signal: {
    graph: () => step('signal', { name: 'go' }),
    gives: expect.objectContaining({ payload: 5 }),
    effects: {},
    wake: (id) => studio.call('POST', `/api/executions/${id}/signals/go`, { payload: 5 }),
  },
}

/** Not a kind, but what is between steps: one branch three steps on, the other still at its first. */
const unequal: KindRow = {
  graph: (at) => ({
    ...step('transform', { mapping: ['{{ steps.long.output }}', '{{ steps.c.output }}'] }),
    steps: [post('a', `${at}/a`), post('b', `${at}/b`), post('c', `${at}/c`), post('long', `${at}/long`)],
    connections: [
      { source_step_id: 'first', target_step_id: 'a' },
      { source_step_id: 'a', target_step_id: 'b' },
      { source_step_id: 'b', target_step_id: 'c' },
      { source_step_id: 'c', target_step_id: 'x' },
      { source_step_id: 'first', target_step_id: 'long' },
      { source_step_id: 'long', target_step_id: 'x' },
    ],
  }),
  gives: ['long', 'c'],
  effects: { a: 1, b: 1, c: 1, long: 1 },
  held: 'long',
  begun: { long: 2 },
}

const rows: Record<string, KindRow> = { ...kinds, 'unequal branches': unequal }
const cells = Object.entries(rows).flatMap(([kind, row]) =>
  moments.filter((moment) => moment !== 'during' || !row.isInstant).map((moment) => ({ kind, moment, row })),
)

const studio = useStudio(() => ({ ...models.env(), AGENT_STUDIO_PRIVATE_ADDRESSES: '127.0.0.1' }))
const executions = new Map<string, string>()
const nameOf = (kind: string, moment: Moment): string => `${kind.replaceAll(' ', '-')}-${moment}`
const stateOf = async (id: string): Promise<Answer['body']> => (await studio.call('GET', `/api/executions/${id}`)).body
const stepsOf = async (id: string): Promise<Answer['body'][]> => (await studio.call('GET', `/api/executions/${id}/steps`)).body

/** `first`, the step, and `behind`, which both leave a trace outside. */
function graphOf(row: KindRow, at: string): object {
  const { step: own, steps = [], agents = [], connections = [] } = row.graph(at)
  const isTied = connections.some((one) => (one as { target_step_id?: string }).target_step_id === 'x')
  return {
    agents,
    steps: [
      post('first', `${at}/first`),
      ...(own ? [own] : []),
      ...steps,
      post('behind', `${at}/behind`),
      { step_id: 'end', step_type: 'output', config: { value: '{{ steps.x.output }}' }, dependencies: ['behind'] },
    ],
    connections: [
      ...(isTied ? [] : [{ source_step_id: 'first', target_step_id: 'x' }]),
      {
        source_step_id: 'x',
        target_step_id: 'behind',
        ...(own && 'step_type' in own && own.step_type === 'branch' && { source_handle: 'yes' }),
      },
      ...connections,
    ],
  }
}

async function begin(kind: string, moment: Moment, row: KindRow): Promise<void> {
  const name = nameOf(kind, moment)
  const at = `${outside.url}/${name}`
  const held = { before: 'first', during: row.held, after: 'behind' }[moment]
  if (held !== undefined) {
    outside.hold(`/${name}/${held}`)
    heldModels.set(`${at}/${held}`, Promise.withResolvers())
  }
  await studio.deployed(name, graphOf(row, at))
  const { body } = await studio.call('POST', '/api/workflows/execute/async', { deployment_name: name, query: 'go' })
  if (!body.execution_id) throw new Error(JSON.stringify(body))
  executions.set(name, body.execution_id)
  if (moment === 'after') await wakeWhenAsked(row, body.execution_id)
  // Where nothing outside is held, the step says by itself that it is at work.
  await until(
    async () => (held === undefined ? isAtWork(body.execution_id) : count(name, held) === 1),
    `${name} to be where it is to be killed`,
  )
  if (moment === 'during' && kind in { map: 0, 'unequal branches': 0 })
    await until(() => othersAreDone(body.execution_id, row), `the others of ${name}`)
}

async function wakeWhenAsked({ wake }: KindRow, id: string): Promise<void> {
  if (!wake) return
  await until(async () => isAtWork(id), 'the step to wait')
  await wake(id)
}

async function isAtWork(id: string): Promise<boolean> {
  return (await stepsOf(id)).some(({ step_id, status }) => step_id === 'x' && status !== 'completed')
}

/** All that could go on beside what is held is recorded. */
async function othersAreDone(id: string, { begun = {} }: KindRow): Promise<boolean> {
  const steps = await stepsOf(id)
  return steps.length >= 4 && steps.every(({ step_id, status }) => step_id in begun || status === 'completed')
}

function count(name: string, what: string): number {
  const path = `/${name}/${what}`
  return outside.count(path) + asked.filter((url) => url === outside.url + path).length
}

beforeAll(async () => {
  outside = await startCountingServer()
  inner = await studio.workflow({
    steps: [
      { step_id: 'asks', step_type: 'http', config: { method: 'POST', url: '{{ input.at }}/at' } },
      { step_id: 'says', step_type: 'output', config: { template: 'inner {{ steps.asks.output }}' }, dependencies: ['asks'] },
    ],
  })
})
afterAll(() => outside.close())

describe('a kill -9 that finds every kind of step before, during and after its work', () => {
  beforeAll(async () => {
    // What holds by itself, and not for long, comes last.
    const isShort = ({ kind, moment }: (typeof cells)[number]): boolean => moment === 'during' && ['wait', 'code'].includes(kind)
    await Promise.all(cells.filter((cell) => !isShort(cell)).map(({ kind, moment, row }) => begin(kind, moment, row)))
    for (const { kind, moment, row } of cells.filter(isShort)) await begin(kind, moment, row)
    await studio.crash()
    outside.release()
    for (const { resolve } of heldModels.values()) resolve()
    for (const { kind, moment, row } of cells) if (moment !== 'after') await wakeWhenAsked(row, executions.get(nameOf(kind, moment))!)
  }, 120_000)

  it('has a row for each kind there is', () => {
    expect(new Set(Object.keys(kinds))).toEqual(new Set(stepKinds.keys()))
  })

  it.each(cells)('$kind, $moment', async ({ kind, moment, row }) => {
    const name = nameOf(kind, moment)
    const id = executions.get(name)!
    const ended = await until(
      async () => {
        const found = await stateOf(id)
        return found.ended_at !== null && found
      },
      `${name} to end`,
      30_000,
    )
    expect(ended).toMatchObject({ status: 'completed', recoveries: row.wake && moment === 'during' ? 0 : 1, error: null })
    const steps = await stepsOf(id)
    expect(steps.find(({ step_id }) => step_id === (kind === 'agent' ? 'x#1' : 'x'))!.output).toEqual(
      kind === 'agent' ? expect.objectContaining({ text: 'spoken' }) : row.gives,
    )

    const begun = moment === 'during' ? row.begun : { before: { first: 2 }, after: { behind: 2 } }[moment]
    const attempts = Object.fromEntries(
      steps.filter(({ attempts }) => attempts.length > 1).map((one) => [one.step_id, one.attempts.length]),
    )
    expect(attempts).toEqual(begun ?? {})
    const repeated = { before: 'first', during: row.held, after: 'behind' }[moment]
    for (const [what, times] of Object.entries({ first: 1, behind: 1, ...row.effects })) {
      expect([what, count(name, what)]).toEqual([what, times + (what === repeated ? 1 : 0)])
    }
    // The same call, by the key that both carry.
    const keys = outside.calls.filter(({ path }) => path === `/${name}/${repeated}`).map(({ key }) => key)
    expect(new Set(keys).size).toBe(keys.length === 0 ? 0 : 1)
  })
})

/** What computes has no time between its begin and its end, but a commit that may not come. */
describe('a kill -9 right before and right after each commit of an execution that computes', () => {
  const folder = temporaryFolder()
  const orders = new CommitOrders(folder)
  const start = (): Promise<TestServer> => startServer(folder, joinEnv({ LOG_LEVEL: 'error' }, orders.env))
  let server: TestServer
  const get = async (path: string): Promise<Answer['body']> => (await call(server.url, 'GET', path)).body
  beforeAll(async () => {
    server = await start()
    const { body } = await call(server.url, 'POST', '/api/workflows', {
      name: 'computes',
      configuration: {
        steps: [
          { step_id: 'list', step_type: 'transform', config: { mapping: [1, 2, 3] } },
          { step_id: 'each', step_type: 'map', config: { items: '{{ steps.list.output }}' }, dependencies: ['list'] },
          { step_id: 'double', step_type: 'transform', config: { mapping: '{{ item | times: 2 }}' } },
          {
            step_id: 'sum',
            step_type: 'code',
            config: { source: 'return steps.each.output.reduce((a, b) => a + b)' },
            dependencies: ['each'],
          },
          {
            step_id: 'way',
            step_type: 'branch',
            config: { cases: [{ name: 'much', when: 'steps.sum.output > 10' }] },
            dependencies: ['sum'],
          },
          { step_id: 'pause', step_type: 'wait', config: { seconds: 0.05 } },
          { step_id: 'end', step_type: 'output', config: { template: '{{ steps.sum.output }} is much' }, dependencies: ['pause'] },
        ],
        connections: [
          { source_step_id: 'each', target_step_id: 'double', source_handle: 'body' },
          { source_step_id: 'way', target_step_id: 'pause', source_handle: 'much' },
        ],
      },
    })
    await call(server.url, 'POST', `/api/workflows/${body.workflow_id}/deploy`, { deployment_name: 'computes' })
  })
  afterAll(async () => {
    await server.kill()
    removeFolder(folder)
  })

  /** Sent again after a kill, with the same key: it may have been taken, or not. @returns what the last one was answered with */
  async function execute(key: string): Promise<Answer['body']> {
    for (;;) {
      const answer = await call(
        server.url,
        'POST',
        '/api/workflows/execute',
        { deployment_name: 'computes', query: 'go' },
        { 'idempotency-key': key },
      ).catch(() => undefined)
      // 409: the first one is still under way.
      if (answer && answer.status !== 409) return answer.body
      if (!answer) {
        await server.exited
        server = await start()
      }
    }
  }

  it('gives the same answer, records each step once, and tells each event once', { timeout: 120_000 }, async () => {
    let kills = 0
    for (const what of ['kill before', 'kill after'] satisfies CommitOrder['what'][]) {
      for (let commit = 1, killed = true; killed; commit++) {
        const before = server
        orders.give({ commit, what })
        const { response, execution_id } = await execute(`${what.replace(' ', '-')}-${commit}`)
        orders.takeBack()
        killed = server !== before
        if (killed) kills++
        expect([what, commit, response]).toEqual([what, commit, '12 is much'])
        const steps = await get(`/api/executions/${execution_id}/steps`)
        expect(steps.map((step: { step_id: string; status: string }) => [step.step_id, step.status])).toEqual(
          ['list', 'each', 'each[0]/double', 'each[1]/double', 'each[2]/double', 'sum', 'way', 'pause', 'end'].map((id) => [
            id,
            'completed',
          ]),
        )
        const events = await readEvents(await fetch(`${server.url}/api/executions/${execution_id}/events`))
        expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1))
        const told = events.filter(({ data }) => data.type === 'step' && data.state === 'completed').map(({ data }) => data.step_id)
        expect(new Set(told).size).toBe(told.length)
        // In all, one more than the kill that it was to live through.
        for (const step of steps) expect(step.attempts.length).toBeLessThanOrEqual(2)
      }
    }
    // The admission, a step, a wait and the end at the least.
    expect(kills).toBeGreaterThanOrEqual(6)
    expect(await get('/api/workflows/deployments/computes')).toMatchObject({ error_count: 0 })
  })
})
