import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fillExecutions, type Filling } from '../bench/fill.ts'
import { openDatabaseFile } from '../src/store/sqlite/database-file.ts'
import { call, until } from './support/api.ts'
import { removeFolder, runCommand, startServer, temporaryFolder, type TestServer } from './support/server.ts'

let folder: string
let file: string
let server: TestServer | undefined

beforeEach(() => {
  folder = temporaryFolder()
  file = join(folder, '.agent-studio', 'agent-studio.db')
})
afterEach(async () => {
  await server?.kill()
  server = undefined
  removeFolder(folder)
})

async function fill(filling: Filling) {
  const { release } = await openDatabaseFile(join(folder, '.agent-studio'))
  release()
  return fillExecutions(file, filling)
}

async function start(env: Record<string, string> = {}): Promise<TestServer> {
  server = await startServer(folder, { LOG_LEVEL: 'error', ...env })
  return server
}

/** Looks into the database beside the server. */
function look(sql: string): number {
  const db = new DatabaseSync(file, { readOnly: true })
  try {
    return Number(Object.values(db.prepare(sql).get()!)[0])
  } finally {
    db.close()
  }
}

/** One client after the other executes, until told to stop. @returns the time of each answer, in milliseconds */
function executeSteadily(url: string, deployment_name: string): { stop: () => Promise<number[]> } {
  const stopping = new AbortController()
  const times: number[] = []
  const client = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const began = performance.now()
      const { status } = await call(url, 'POST', '/api/workflows/execute', { deployment_name, query: 'hi' })
      if (status !== 200) throw new Error(`execute answered ${status}`)
      times.push(performance.now() - began)
    }
  }
  const clients = Promise.all([client(), client()])
  return {
    stop: async () => {
      stopping.abort()
      await clients
      return times
    },
  }
}

const percentile = (times: number[], share: number): number =>
  times.toSorted((a, b) => a - b)[Math.min(Math.floor(times.length * share), times.length - 1)]!

describe('a deployment with a long history', () => {
  it('is deleted at once, and its 50,000 executions are removed without a stall and given back to the disk', async () => {
    await fill({ executions: 50_000, deployments: 1, prefix: 'large' })
    await fill({ executions: 100, deployments: 1, prefix: 'small' })
    const { url } = await start()
    const before = executeSteadily(url, 'small-1')
    await until(async () => look(`select count(*) > 400 from executions where deployment_name = 'small-1'`), 'three hundred executions')
    const quiet = await before.stop()

    const bytes = statSync(file).size
    const during = executeSteadily(url, 'small-1')
    const began = performance.now()
    const answer = await call(url, 'DELETE', '/api/workflows/deployments/large-1')
    const took = performance.now() - began
    expect(answer.status).toBe(200)
    // 50 ms where nothing else runs, as the quickest of the answers on this machine say.
    expect(took).toBeLessThan(50 + 20 * percentile(quiet, 0.5))
    expect((await call(url, 'GET', '/api/executions?deployment_name=large-1')).body).toEqual([])
    expect((await call(url, 'GET', '/api/executions?limit=500&status=failed')).body.length).toBeLessThan(20)
    await until(async () => look('select count(*) = 0 from purges'), 'the purge', 60_000)
    const busy = await during.stop()

    expect(look(`select count(*) from executions where deployment_name = 'large-1'`)).toBe(0)
    expect(look(`select count(*) from steps where execution_id not in (select execution_id from executions)`)).toBe(0)
    // Each command of the purge takes some milliseconds; all at once would be five seconds, in which nobody is answered.
    expect(percentile(busy, 0.99)).toBeLessThan(50 + 5 * percentile(quiet, 0.99))
    expect(percentile(busy, 1)).toBeLessThan(1_000 + 3 * percentile(quiet, 1))
    await until(async () => statSync(file).size < bytes / 3, 'the file to get smaller', 60_000)
    await server!.stop()
    const db = new DatabaseSync(file)
    expect(db.prepare('pragma integrity_check').all()).toEqual([{ integrity_check: 'ok' }])
    db.close()
  }, 120_000)
})

describe('a purge', () => {
  it('that a crash interrupts goes on at the next start, and leaves everything else whole', async () => {
    await fill({ executions: 20_000, deployments: 1, prefix: 'large' })
    await fill({ executions: 200, deployments: 1, prefix: 'small' })
    const first = await start()
    await call(first.url, 'DELETE', '/api/workflows/deployments/large-1')
    await until(async () => look('select count(*) < 19000 from executions'), 'the purge to be under way')
    await first.kill()
    expect(look('select count(*) > 200 from executions')).toBe(1)

    const { url } = await start()
    expect((await call(url, 'GET', '/api/executions?limit=500')).body).toHaveLength(200)
    await until(async () => look('select count(*) = 0 from purges'), 'the rest to be purged', 60_000)
    expect([look('select count(*) from executions'), look('select count(*) from steps'), look('select count(*) from events')]).toEqual([
      200, 600, 200,
    ])
  }, 90_000)
})

describe('AGENT_STUDIO_RETENTION_DAYS', () => {
  it('removes executions that ended longer ago, at the start and from then on, and keeps the statistics', async () => {
    await fill({ executions: 3_000, deployments: 1, days: 2 })
    // A second and a half: old enough at the start is all but what the test executes.
    const { url } = await start({ AGENT_STUDIO_RETENTION_DAYS: String(1.5 / 86_400) })
    const running = call(url, 'POST', '/api/workflows/execute', { deployment_name: 'hello', query: 'take 4 seconds' })
    await until(async () => look('select count(*) < 10 from executions'), 'the history to be removed')
    const { execution_id } = (await call(url, 'POST', '/api/workflows/execute', { deployment_name: 'filled-1', query: 'hi' })).body
    expect((await call(url, 'GET', `/api/executions/${execution_id}`)).status).toBe(200)
    await until(async () => (await call(url, 'GET', `/api/executions/${execution_id}`)).status === 404, 'it to expire')
    // One in flight is never too old.
    expect((await running).status).toBe(200)
    expect((await call(url, 'GET', '/api/workflows/deployments/filled-1')).body.execution_count).toBe(3_001)
    expect(look('select count(*) from steps where execution_id not in (select execution_id from executions)')).toBe(0)
  })

  it('keeps everything where it is not set', async () => {
    await fill({ executions: 100, deployments: 1, days: 4_000 })
    const { url } = await start()
    await call(url, 'POST', '/api/workflows/execute', { deployment_name: 'filled-1', query: 'hi' })
    expect(look('select count(*) from executions')).toBe(101)
  })

  it.each(['0', '-1', 'thirty', '1e3', '1,5', '0.0', 'Infinity', '9'.repeat(400), '.', '30 days'])(
    'refuses %j in one line',
    async (days) => {
      const { code, stderr } = await runCommand(folder, ['serve'], { AGENT_STUDIO_RETENTION_DAYS: days })
      expect([code, stderr.trimEnd().split('\n').length]).toEqual([1, 1])
      expect(stderr).toContain('AGENT_STUDIO_RETENTION_DAYS')
    },
  )
})
