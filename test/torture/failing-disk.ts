import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { call, until } from '../support/api.ts'
import { removeFolder, startServer, temporaryFolder } from '../support/server.ts'
import { deployAgents } from '../support/workflows.ts'
import { CommitOrders } from './commit-orders.ts'
import { callsByKey, judgeEffects, noEffects, type Effects } from './effects.ts'
import { inParallel, listExecutions, waitForEnds } from './history.ts'
import { inspectDatabase } from './inspect.ts'
import { startModelProcess } from './model-process.ts'
import { Random } from './random.ts'
import { team } from './team.ts'
import { joinEnv } from './preload.ts'

export interface FailingDiskOptions {
  seed: number
  /** How often the disk reports an error. */
  rounds: number
  env?: Record<string, string>
}

export interface FailingDiskResult extends Effects {
  torture: 'failing-disk'
  seed: number
  rounds: number
  answered: number
  /** Requests whose outcome the server called unknown. */
  unknown: number
  broken: string[]
  seconds: number
}

const CLIENTS = 8
/** How long a server may go on after the error, to tell those who wait. */
const PATIENCE_MS = 4_000

/**
 * Lets a commit fail under load as a disk does that reports an error, once with and once without the commit in the log.
 * Nobody may be told that it happened or that it did not; the server ends, and the next one goes on from what is there.
 */
export async function tortureByFailingDisk({ seed, rounds, env = {} }: FailingDiskOptions): Promise<FailingDiskResult> {
  const began = performance.now()
  const random = new Random(seed)
  const folder = temporaryFolder()
  const model = await startModelProcess(seed)
  const orders = new CommitOrders(folder)
  const start = () => startServer(folder, joinEnv({ OPENAI_BASE_URL: model.baseUrl, LOG_LEVEL: 'silent' }, orders.env, env))
  const result: FailingDiskResult = {
    torture: 'failing-disk',
    seed,
    rounds,
    answered: 0,
    unknown: 0,
    broken: [],
    ...noEffects(),
    seconds: 0,
  }
  const answers = new Map<string, string>()
  let server = await start()
  try {
    const name = await deployAgents(server, team)
    const client = async (url: string): Promise<void> => {
      for (;;) {
        const body = { deployment_name: name, query: 'go' }
        const reply = await call(url, 'POST', '/api/workflows/execute', body).catch(() => undefined)
        if (!reply) return
        if (reply.status === 200) answers.set(reply.body.execution_id, reply.body.response)
        else if (reply.body.code === 'storage_unknown') result.unknown++
        else result.broken.push(`an execution was answered with ${reply.status} ${reply.body.code}`)
      }
    }
    for (let round = 0; round < rounds; round++) {
      const before = { answers: answers.size, unknown: result.unknown }
      const load = Array.from({ length: CLIENTS }, () => client(server.url))
      await until(async () => answers.size > before.answers, 'an answer')
      orders.give({ commit: Math.ceil(random.between(0, 20)), what: round % 2 === 0 ? 'fail before' : 'fail after' })
      const code = await Promise.race([server.exited, wait(PATIENCE_MS, 'still running')])
      if (code !== 1) result.broken.push(`after an error of the disk the server was ${code}`)
      await server.kill()
      await Promise.all(load)
      if (result.unknown === before.unknown) result.broken.push('nobody was told that the outcome is unknown')
      server = await start()
    }
    const { url } = server
    if ((await waitForEnds(url)) > 0) result.broken.push('executions do not end')
    const calls = callsByKey(await model.calls())
    const missing = new Map(answers)
    await inParallel(await listExecutions(url), async ({ execution_id, status }) => {
      await judgeEffects(url, execution_id, calls, result)
      if (status !== 'completed') result.broken.push(`an execution ended as ${status}`)
      const { body } = await call(url, 'GET', `/api/executions/${execution_id}`)
      if (body.response === missing.get(execution_id)) missing.delete(execution_id)
    })
    result.answered = answers.size
    if (missing.size > 0) result.broken.push(`${missing.size} executions were answered and are lost`)
    await server.stop()
    result.broken.push(...(await inspectDatabase(join(folder, '.agent-studio'))))
    return { ...result, seconds: Math.round((performance.now() - began) / 100) / 10 }
  } finally {
    await server.kill()
    await model.close()
    removeFolder(folder)
  }
}
