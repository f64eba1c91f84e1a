import { call, until } from '../support/api.ts'
import { removeFolder, startServer, temporaryFolder } from '../support/server.ts'
import { deployAgents } from '../support/workflows.ts'
import { callsByKey, judgeEffects, MAX_RUNS, noEffects, type Effects } from './effects.ts'
import { inParallel, listExecutions, waitForEnds } from './history.ts'
import { startModelProcess, type CountedCall, type ModelProcess } from './model-process.ts'
import { Random } from './random.ts'
import { team } from './team.ts'

export interface KillOptions {
  seed: number
  kills: number
  /** How often it is stopped in order, between the kills. */
  stops?: number
  clients: number
  /** Beside what the torture needs. */
  env?: Record<string, string>
}

export interface KillResult extends Effects {
  torture: 'kill'
  seed: number
  kills: number
  stops: number
  /** Stops that did not end in time, or not in order. */
  disorderly: number
  /** Executions that a client was answered. */
  answered: number
  executions: number
  /** Answered, and not found again as they were answered; or ended otherwise than they should. */
  lost: number
  /** Failed because one step was running in too many crashes, which is what P2 promises then. */
  givenUp: number
  /** Executions that did not end. */
  unfinished: number
  /** Calls for the one step that was running in every crash. */
  poison: number
  seconds: number
}

/**
 * Kills the server again and again while clients execute a workflow of three model calls, and compares in the end what
 * the clients were told, what the database says and what the process of the models saw, which is never killed. Beside
 * them one execution hangs, so that each kill falls into its one step.
 */
export async function tortureByKilling({ seed, kills, stops = 0, clients, env = {} }: KillOptions): Promise<KillResult> {
  const began = performance.now()
  const random = new Random(seed)
  const folder = temporaryFolder()
  const model = await startModelProcess(seed)
  const start = () => startServer(folder, { OPENAI_BASE_URL: model.baseUrl, LOG_LEVEL: 'warn', AGENT_STUDIO_SHUTDOWN_SECONDS: '1', ...env })
  const answers = new Map<string, string>()
  /** Those who were told by a server that stops that their execution goes on later. */
  const left = new Set<string>()
  let disorderly = 0
  let server = await start()
  const over = new AbortController()
  const client = async (name: string): Promise<void> => {
    while (!over.signal.aborted) {
      const { url } = server
      const reply = await call(url, 'POST', '/api/workflows/execute', { deployment_name: name, query: 'go' }).catch(() => undefined)
      if (reply?.status === 200) answers.set(reply.body.execution_id, reply.body.response)
      else if (reply?.body.code === 'shutting_down' && reply.body.execution_id) left.add(reply.body.execution_id)
      // The server is being killed or started.
      else await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  try {
    const name = await deployAgents(server, team, { runtime_config: { max_retries: 0 } })
    const poison = await startPoison(server.url, await deployAgents(server, [poisoned], { runtime_config: { timeout: 86_400 } }), model)
    const load = Array.from({ length: clients }, () => client(name))
    const anAnswer = (): Promise<true> => {
      const before = answers.size
      return until(async () => answers.size > before, 'an answer')
    }
    for (let kill = 0; kill < kills; kill++) {
      // Half of the kills come right after an answer, so that there is something to lose; the others as early as they like.
      const isAnswered = random.next() < 0.5
      if (isAnswered) await anAnswer()
      await new Promise((resolve) => setTimeout(resolve, random.between(0, isAnswered ? 30 : 400)))
      await server.kill()
      server = await start()
      if ((kill + 1) % Math.ceil(kills / stops) !== 0) continue
      await anAnswer()
      const began = performance.now()
      if ((await server.stop()) !== 0 || performance.now() - began > STOP_MS) disorderly++
      server = await start()
    }
    await anAnswer()
    over.abort()
    await Promise.all(load)
    const { url } = server
    await endPoison(url, poison, kills)
    const unfinished = await waitForEnds(url)
    const calls = await model.calls()
    const judged = await judge(url, { answers, left }, calls, poison)
    const poisonCalls = calls.filter(({ key }) => key.startsWith(poison)).length
    return {
      torture: 'kill',
      seed,
      kills,
      stops,
      disorderly,
      answered: answers.size,
      ...judged,
      unfinished,
      poison: poisonCalls,
      seconds: Math.round((performance.now() - began) / 100) / 10,
    }
  } finally {
    over.abort()
    await server.kill()
    await model.close()
    removeFolder(folder)
  }
}

/** A second for executions to end, and what follows; the machine may be busy. Milliseconds. */
const STOP_MS = 6_000

const poisoned = { agent_id: 'poisoned', config: { model: 'openai/hangs' } }

async function startPoison(url: string, deployment_name: string, model: ModelProcess): Promise<string> {
  const { execution_id } = (await call(url, 'POST', '/api/workflows/execute/async', { deployment_name, query: 'hang' })).body
  await until(async () => (await model.calls()).length > 0, 'the call that hangs')
  return execution_id
}

/** Killed often enough it has ended by itself; otherwise it would hang for ever. */
async function endPoison(url: string, executionId: string, kills: number): Promise<void> {
  if (kills <= 2 * MAX_RUNS) await call(url, 'POST', `/api/executions/${executionId}/cancel`)
}

interface Told {
  answers: ReadonlyMap<string, string>
  left: ReadonlySet<string>
}

async function judge(url: string, { answers, left }: Told, calls: readonly CountedCall[], poison: string) {
  const found = { executions: 0, lost: 0, givenUp: 0, ...noEffects() }
  const byKey = callsByKey(calls)
  const missing = new Set([...answers.keys(), ...left])
  await inParallel(await listExecutions(url), async ({ execution_id, status, error }) => {
    found.executions++
    await judgeEffects(url, execution_id, byKey, found)
    if (execution_id === poison) return
    if (error?.code === 'step_interrupted') found.givenUp++
    else if (status !== 'completed') found.lost++
    missing.delete(execution_id)
    if (!answers.has(execution_id)) return
    const { body } = await call(url, 'GET', `/api/executions/${execution_id}`)
    if (body.response !== answers.get(execution_id)) found.lost++
  })
  found.lost += missing.size
  return found
}
