import { call } from '../support/api.ts'
import { removeFolder, startServer, temporaryFolder, type TestServer } from '../support/server.ts'
import { deploymentModel, type Input, type Output, type Route } from './deployment-model.ts'
import { isLinearizable, type Operation } from './linearizable.ts'
import { readOutput, send, sourceOf } from './name-client.ts'
import { Random } from './random.ts'

export interface LinearizeOptions {
  seed: number
  histories: number
  /** Ends with the first history that no order explains. */
  untilBroken?: boolean
  env?: Record<string, string>
}

export interface LinearizeResult {
  torture: 'linearize'
  seed: number
  histories: number
  linearizable: number
  operations: number
  /** Operations that a kill left without an answer. */
  unanswered: number
  /** The first history that no order explains, for whoever looks for the reason. */
  counterexample?: readonly Operation<Input, Output>[]
  seconds: number
}

const CLIENTS = 5
const OPERATIONS_PER_CLIENT = 8

/**
 * Five clients deploy, promote, roll back, divide traffic, stop, freeze, delete, reactivate, execute and list one name while the
 * server is killed; then a checker looks for an order that explains all their answers (P4).
 */
export async function tortureLinearizability({
  seed,
  histories,
  untilBroken = false,
  env = {},
}: LinearizeOptions): Promise<LinearizeResult> {
  const began = performance.now()
  const random = new Random(seed)
  const folder = temporaryFolder()
  const start = () => startServer(folder, env)
  const room: Room = { server: await start(), start, workflows: [], random }
  const result: LinearizeResult = { torture: 'linearize', seed, histories, linearizable: 0, operations: 0, unanswered: 0, seconds: 0 }
  try {
    room.workflows = await createWorkflows(room.server)
    for (let number = 0; number < histories; number++) {
      const history = await record(room, `name-${number}`)
      result.operations += history.length
      result.unanswered += history.filter(({ output }) => output === undefined).length
      if (isLinearizable(history, deploymentModel)) result.linearizable++
      else result.counterexample ??= history
      if (untilBroken && result.counterexample) break
    }
    result.seconds = Math.round((performance.now() - began) / 100) / 10
    return result
  } finally {
    await room.server.kill()
    removeFolder(folder)
  }
}

/** Two workflows that differ, so that a redeploy can be the same or another, and a deployment of each to promote. */
function createWorkflows(server: TestServer): Promise<string[]> {
  return Promise.all(
    ['one', 'two'].map(async (name, variant) => {
      const configuration = { agents: [{ agent_id: name, config: { model: 'demo/echo' } }] }
      const { workflow_id } = (await call(server.url, 'POST', '/api/workflows', { name, configuration })).body
      const source = { deployment_name: sourceOf(variant), environment: 'development' }
      await call(server.url, 'POST', `/api/workflows/${workflow_id}/deploy`, source)
      return workflow_id as string
    }),
  )
}

interface Room {
  server: TestServer
  start: () => Promise<TestServer>
  workflows: string[]
  random: Random
}

async function record(room: Room, name: string) {
  const { random, workflows } = room
  const history: Operation<Input, Output>[] = []
  let up = Promise.resolve()
  const client = async (inputs: Input[]): Promise<void> => {
    for (const input of inputs) {
      await up
      const operation: Operation<Input, Output> = { input, output: undefined, invokedAt: performance.now(), returnedAt: Infinity }
      history.push(operation)
      const answer = await patient(send(room.server.url, name, workflows, input))
      if (!answer) continue
      operation.returnedAt = performance.now()
      operation.output = readOutput(answer, name, input)
    }
  }
  const plans = Array.from({ length: CLIENTS }, () => Array.from({ length: OPERATIONS_PER_CLIENT }, () => choose(random)))
  const clients = Promise.all(plans.map(client))
  await new Promise((resolve) => setTimeout(resolve, random.between(2, 40)))
  const restart = async (): Promise<void> => {
    await room.server.kill()
    room.server = await room.start()
  }
  up = restart()
  await up
  await clients
  return history
}

/** What was frozen is answered when somebody reactivates it, which may be never. */
const PATIENCE_MS = 2_000

/** Undefined where no answer came. */
async function patient<Value>(answer: Promise<Value>): Promise<Value | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => resolve(undefined), PATIENCE_MS)
  try {
    return await Promise.race([answer.catch(() => undefined), late])
  } finally {
    clearTimeout(timer)
  }
}

function choose(random: Random): Input {
  const dice = random.next()
  const variant = random.next() < 0.5 ? 0 : 1
  if (dice < 0.2) return { kind: 'deploy', variant }
  if (dice < 0.28) return { kind: 'promote', variant }
  if (dice < 0.38) return { kind: 'rollback', to: random.pick([1, 2, 3, 4]) }
  if (dice < 0.48) return { kind: 'traffic', routes: chooseRoutes(random) }
  if (dice < 0.56) return { kind: 'stop' }
  if (dice < 0.6) return { kind: 'freeze' }
  if (dice < 0.65) return { kind: 'delete' }
  if (dice < 0.75) return { kind: 'reactivate' }
  return { kind: dice < 0.92 ? 'execute' : 'list' }
}

function chooseRoutes(random: Random): Route[] {
  const release = random.pick([1, 2, 3])
  const percent = random.pick([0, 50, 100])
  return percent === 100
    ? [{ release, percent }]
    : [
        { release, percent },
        { release: release + 1, percent: 100 - percent },
      ]
}
