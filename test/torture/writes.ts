import { join } from 'node:path'
import { call } from '../support/api.ts'
import { removeFolder, startServer, temporaryFolder } from '../support/server.ts'
import { CommitOrders, type CommitOrder } from './commit-orders.ts'
import { inspectDatabase } from './inspect.ts'
import { startModelProcess } from './model-process.ts'
import { allParts, Scenario, type Part } from './scenario.ts'
import { joinEnv } from './preload.ts'
import { inspectTrail } from './trail.ts'

export interface WritesOptions {
  seed: number
  /** Only each so-many-th commit is a place to kill; 1 for all. */
  every: number
  /** The first of them; by the seed, if it is not given. */
  from?: number
  /** Of the scenario; all of them, if it is not said. */
  parts?: readonly Part[]
  /** Ends with the first thing that is not as it was promised. */
  untilBroken?: boolean
  env?: Record<string, string>
}

export interface WritesResult {
  torture: 'writes'
  seed: number
  /** Commits of one scenario, as far as they were counted. */
  commits: number
  kills: number
  /** Of those, kills of a first start, which makes the tables and the example. */
  startsKilled: number
  /** What is not as it was promised, in words. */
  broken: string[]
  seconds: number
}

/**
 * Plays one scenario again and again on one database. Each time the server is killed right before or right after its
 * N-th durable write, N = 1, 2, 3 …, until a scenario comes to its end alive. After each kill the server is started
 * again, and what it says is compared with what it had answered.
 */
export async function tortureWrites({
  seed,
  every,
  from = 1 + (seed % every),
  parts = allParts,
  untilBroken = false,
  env = {},
}: WritesOptions): Promise<WritesResult> {
  const began = performance.now()
  const folder = temporaryFolder()
  const model = await startModelProcess(seed)
  const orders = new CommitOrders(folder)
  const start = () => startServer(folder, joinEnv({ OPENAI_BASE_URL: model.baseUrl, LOG_LEVEL: 'warn' }, orders.env, env))
  const result: WritesResult = { torture: 'writes', seed, commits: 0, kills: 0, startsKilled: 0, broken: [], seconds: 0 }
  let server = await start()
  const kill = async (order: CommitOrder): Promise<boolean> => {
    const scenario = new Scenario(`s${seed}n${order.commit}${order.what.replace(' ', '-')}`, model, parts)
    orders.give(order)
    const alive = await scenario.play(server.url)
    if (alive) orders.takeBack()
    else {
      await server.exited
      server = await start()
      result.kills++
    }
    result.broken.push(...(await scenario.check(server.url)))
    result.broken.push(...(await inspectTrail(join(folder, '.agent-studio'))))
    result.broken.push(...orders.unsafe.map((how) => `commits are not safe from a power cut: ${how}`))
    return !alive
  }
  const isEnough = (): boolean => untilBroken && result.broken.length > 0
  try {
    for (let commit = from, killed = true; killed && !isEnough(); commit += every) {
      killed = await kill({ commit, what: 'kill before' })
      if (killed && !isEnough()) killed = await kill({ commit, what: 'kill after' })
      if (killed) result.commits = commit
    }
    if (untilBroken) return result
    await killFirstStarts(env, every, result)
    if ((await server.stop()) !== 0) result.broken.push('the server did not stop when it was told to')
    result.broken.push(...(await inspectDatabase(join(folder, '.agent-studio'))))
    return { ...result, seconds: Math.round((performance.now() - began) / 100) / 10 }
  } finally {
    await server.kill()
    await model.close()
    removeFolder(folder)
  }
}

/** A database that is made while the process dies is made at the next start, as if nothing had been. */
async function killFirstStarts(env: Record<string, string>, every: number, result: WritesResult): Promise<void> {
  for (let commit = 1, killed = true; killed; commit += every) {
    const folder = temporaryFolder()
    const orders = new CommitOrders(folder)
    orders.give({ commit, what: commit % 2 === 0 ? 'kill before' : 'kill after' })
    killed = await startServer(folder, joinEnv(env, orders.env)).then(
      async (server) => {
        await server.kill()
        return false
      },
      () => true,
    )
    if (killed) result.startsKilled++
    orders.takeBack()
    const server = await startServer(folder, joinEnv(env, orders.env))
    const { status, body } = await call(server.url, 'POST', '/api/workflows/execute', { deployment_name: 'hello', query: 'Who are you?' })
    if (status !== 200) result.broken.push(`after a first start that was killed at commit ${commit}: ${status} ${JSON.stringify(body)}`)
    await server.kill()
    removeFolder(folder)
  }
}
