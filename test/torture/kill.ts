import { call, until } from '../support/api.ts'
import { startScriptedModel } from '../support/scripted-model.ts'
import { removeFolder, startServer, temporaryFolder, type TestServer } from '../support/server.ts'
import { deployAgents } from '../support/workflows.ts'
import { Random } from './random.ts'

export interface KillOptions {
  seed: number
  kills: number
  clients: number
}

export interface KillResult {
  torture: 'kill'
  seed: number
  kills: number
  /** Executions that a client was answered. */
  answered: number
  executions: number
  /** Answered, and not found again as they were answered; or ended otherwise than they should. */
  lost: number
  /** Failed because one step was running in too many crashes, which is what P2 promises then. */
  givenUp: number
  /** Model calls for a step whose result was recorded before. */
  repeated: number
  /** Steps that a crash interrupted and that ran again, as they must. */
  interrupted: number
  /** Steps that ran more often than P2 allows. */
  excessive: number
  /** Executions that did not end. */
  unfinished: number
  seconds: number
}

/** A first run and three repetitions because of crashes (P2). */
const MAX_RUNS = 4

interface Step {
  step_id: string
  kind: string
  attempts: { ended_at: string | null; error?: object }[]
}

/**
 * Kills the server again and again while clients execute a workflow of three model calls, and compares in the end what
 * the clients were told, what the database says and what the model server saw. The model server counts the effects; it
 * belongs to this process, which is never killed.
 */
export async function tortureByKilling({ seed, kills, clients }: KillOptions): Promise<KillResult> {
  const began = performance.now()
  const random = new Random(seed)
  const folder = temporaryFolder()
  const model = await startScriptedModel()
  const calls = new Map<string, number[]>()
  model.always((body, { headers }) => {
    const key = String(headers['idempotency-key'])
    calls.set(key, [...(calls.get(key) ?? []), Date.now()])
    return answer(body as ChatRequest)
  })

  const answers = new Map<string, string>()
  let server = await startServer(folder, { OPENAI_BASE_URL: model.baseUrl })
  const name = await deployTeam(server)
  const over = new AbortController()
  const client = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const { url } = server
      const reply = await call(url, 'POST', '/api/workflows/execute', { deployment_name: name, query: 'go' }).catch(() => undefined)
      if (reply?.status === 200) answers.set(reply.body.execution_id, reply.body.response)
      // The server is being killed or started.
      else await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  const load = Array.from({ length: clients }, client)
  try {
    const anAnswer = (): Promise<true> => {
      const before = answers.size
      return until(async () => answers.size > before, 'an answer')
    }
    for (let kill = 0; kill < kills; kill++) {
      // Half of the kills come after an answer, so that there is something to lose; the others as early as they like.
      if (random.next() < 0.5) await anAnswer()
      await new Promise((resolve) => setTimeout(resolve, random.between(20, 400)))
      await server.kill()
      server = await startServer(folder, { OPENAI_BASE_URL: model.baseUrl })
    }
    await anAnswer()
    over.abort()
    await Promise.all(load)
    const { url } = server
    await until(async () => (await running(url)) === 0, 'every execution to end', 60_000)
    const judged = await judge(url, answers, calls)
    return { torture: 'kill', seed, kills, answered: answers.size, ...judged, unfinished: await running(url), seconds: seconds(began) }
  } finally {
    over.abort()
    await server.kill()
    await model.close()
    removeFolder(folder)
  }
}

interface ChatRequest {
  tools?: unknown[]
  messages: { role: string }[]
}

/** The lead asks the other agent once, then answers. Each call takes a little, so that kills fall into it. */
function answer({ tools, messages }: ChatRequest) {
  if (!tools) return { pieces: ['from ', 'b'], delayMs: 4 }
  if (messages.some(({ role }) => role === 'tool')) return { pieces: ['all ', 'done'], delayMs: 4 }
  return { toolCalls: [{ name: 'b', arguments: '{"query":"go on"}' }] }
}

function deployTeam(server: TestServer): Promise<string> {
  return deployAgents(
    server,
    [
      { agent_id: 'lead', config: { model: 'gpt-4o' }, calls: ['b'] },
      { agent_id: 'b', config: { model: 'gpt-4o' } },
    ],
    { runtime_config: { max_retries: 0 } },
  )
}

async function running(url: string): Promise<number> {
  const [deployment] = (await call(url, 'GET', '/api/workflows/deployments?q=w')).body
  return deployment.in_flight.queued + deployment.in_flight.running
}

async function judge(url: string, answers: ReadonlyMap<string, string>, calls: ReadonlyMap<string, number[]>) {
  const found = { executions: 0, lost: 0, givenUp: 0, repeated: 0, interrupted: 0, excessive: 0 }
  const seen = new Set<string>()
  for (let path: string | undefined = '/api/executions?limit=500'; path;) {
    const page = await call(url, 'GET', path)
    for (const { execution_id, status, error } of page.body) {
      found.executions++
      seen.add(execution_id)
      const givenUp = error?.code === 'step_interrupted'
      if (givenUp) found.givenUp++
      else if (status !== 'completed') found.lost++
      const steps = (await call(url, 'GET', `/api/executions/${execution_id}/steps`)).body as Step[]
      for (const step of steps.filter(({ kind }) => kind === 'model'))
        judgeStep(step, calls.get(`${execution_id}:${step.step_id}`) ?? [], found)
    }
    path = /<([^>]+)>/.exec(page.headers.get('link') ?? '')?.[1]
  }
  for (const [executionId, response] of answers) {
    const { body } = await call(url, 'GET', `/api/executions/${executionId}`)
    if (!seen.has(executionId) || body.response !== response) found.lost++
  }
  return found
}

/** The clocks are one: the model server notes when a call came in, the server when a result was recorded. */
function judgeStep(step: Step, calls: readonly number[], found: { repeated: number; interrupted: number; excessive: number }): void {
  const success = step.attempts.find(({ error }) => !error)
  const recordedAt = Date.parse(success?.ended_at ?? '')
  found.repeated += calls.filter((at) => at > recordedAt).length
  if (calls.length > 1) found.interrupted++
  if (calls.length > MAX_RUNS) found.excessive++
}

function seconds(began: number): number {
  return Math.round((performance.now() - began) / 100) / 10
}
