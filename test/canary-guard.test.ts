import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import type { AuditEntry } from '../src/audit/entry.ts'
import type { GivenRoute } from '../src/deployments/routing.ts'
import type { RouteChangeView } from '../src/deployments/traffic-view.ts'
import { until, type Answer } from './support/api.ts'
import { useScriptedModels } from './support/scripted-models.ts'
import { removeFolder, startServer, temporaryFolder } from './support/server.ts'
import { agents, fresh, useStudio } from './support/studio.ts'

/** Canaries under load on a real server: a bad one goes back by itself, a good one stays, and a kill in between changes nothing of that. */

const folder = temporaryFolder()
afterAll(() => removeFolder(folder))
const prices = join(folder, 'prices.json')
writeFileSync(prices, '{"openai/*": {"input": 1000, "output": 1000}}')
const models = useScriptedModels()
const studio = useStudio(() => ({ ...models.env(), AGENT_STUDIO_PRICES: prices }))

const path = (name: string, rest = '') => `/api/workflows/deployments/${name}${rest}`
const says = (system_prompt: string, model = 'demo/assistant') => agents({ agent_id: 'a', config: { model, system_prompt } })
const stable = says('Answer without pauses.')
const traffic = async (name: string) => (await studio.call('GET', path(name, '/traffic'))).body

/** Two releases, of which the second has a part of the executions and a guard. */
async function canary(configuration: object, guard: object, percent = 50) {
  const name = fresh('canary')
  const runtime_config = { max_retries: 0 }
  const { workflow, deployment_id } = await studio.deployed(name, stable, { runtime_config })
  await studio.call('PUT', `/api/workflows/${workflow.workflow_id}`, { configuration })
  await studio.deploy(workflow.workflow_id, name)
  const routes = [
    { release: 1, percent: 100 - percent },
    { release: 2, percent, tag: 'canary' },
  ]
  const { status, body } = await studio.call('PUT', path(name, '/traffic'), { routes, guard })
  expect([status, body.guard?.back_to]).toEqual([200, 1])
  return { name, deployment_id: deployment_id as string }
}

/** So many clients, one execution after the other each, until so many have been answered, or it is over. */
async function load(name: string, { clients = 8, executions, over }: { clients?: number; executions: number; over?: AbortSignal }) {
  const answers: Answer[] = []
  let left = executions
  const isOver = (): boolean => left-- <= 0 || over?.aborted === true
  const client = async (): Promise<void> => {
    while (!isOver()) {
      const answer = await studio.execute({ deployment_name: name, query: 'go' }).catch(() => undefined)
      if (answer) answers.push(answer)
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  return answers
}

const ofRelease = async (name: string, release: number) =>
  (await studio.call('GET', `/api/executions?deployment_name=${name}&release=${release}&limit=500`)).body as {
    status: string
    ended_at: string
  }[]

describe('a canary with a guard, under load', () => {
  it('goes back by itself within its minimum sample when its release is bad, says why, and leaves what is in flight alone', async () => {
    const CLIENTS = 8
    const SAMPLES = 20
    const { name, deployment_id } = await canary(says('You always fail, without pauses.'), { max_error_rate: 0.5, min_samples: SAMPLES })
    const long = await studio.call('POST', '/api/workflows/execute/async', {
      deployment_name: name,
      query: 'take 600 seconds',
      tag: 'canary',
    })
    const answers = await load(name, { clients: CLIENTS, executions: 200 })

    // Nobody was refused, and nobody on the good release noticed anything.
    expect(answers).toHaveLength(200)
    expect(new Set(answers.map(({ status, body }) => (status === 200 ? `200 on ${body.release}` : `${status} ${body.code}`)))).toEqual(
      new Set(['200 on 1', '502 model_failed']),
    )
    const touched = answers.filter(({ status }) => status === 502).length
    // What the minimum sample takes, and what was accepted while it was being decided.
    expect(touched).toBeGreaterThan(SAMPLES / 2)
    expect(touched).toBeLessThanOrEqual(SAMPLES + 2 * CLIENTS)

    const { routes, guard, change } = await traffic(name)
    expect(routes).toMatchObject([
      { release: 1, percent: 100 },
      { release: 2, percent: 0, tag: 'canary' },
    ])
    expect(guard).toBeNull()
    expect(change).toMatchObject({
      kind: 'guard',
      by: 'server',
      reason: expect.stringMatching(
        /^Release 2 passed max_error_rate: \d+ of \d+ executions failed, and 50 % may\. Its executions go to release 1 again\.$/,
      ),
      before: [
        { release: 1, percent: 50 },
        { release: 2, percent: 50, tag: 'canary' },
      ],
      after: [
        { release: 1, percent: 100 },
        { release: 2, percent: 0, tag: 'canary' },
      ],
    })
    const { body: trail } = await studio.call('GET', '/api/audit?action=deployment.guard')
    const entry = (trail as AuditEntry[]).find((one) => one.object.id === deployment_id)
    expect(entry).toMatchObject({
      actor: { name: 'server' },
      after: { reason: change.reason, passed: [{ release: 2, verdict: { bound: 'max_error_rate' } }] },
    })

    expect((await studio.call('GET', `/api/executions/${long.body.execution_id}`)).body).toMatchObject({ status: 'running', release: 2 })
  })

  it('stays when its release is good, and when somebody tries it by its tag and fails', async () => {
    const { name } = await canary(says('Answer without pauses, and well.'), { max_error_rate: 0.05, max_p95_ms: 60_000, min_samples: 20 })
    const tries = Array.from({ length: 10 }, () => studio.execute({ deployment_name: name, query: 'fail for good', tag: 'canary' }))
    expect(new Set((await Promise.all(tries)).map(({ status }) => status))).toEqual(new Set([502]))
    const answers = await load(name, { executions: 120 })
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    const { routes, guard, change } = await traffic(name)
    expect(change.kind).toBe('traffic')
    expect(routes.map(({ percent }: GivenRoute) => percent)).toEqual([50, 50])
    expect(guard.watched[0]).toMatchObject({ release: 2, errors: 0, slow: 0 })
    expect(guard.watched[0].samples).toBeGreaterThanOrEqual(20)
    expect(routes[1].statistics).toMatchObject({ failed: 10 })
  })

  it('goes back when it is slow', async () => {
    const { name } = await canary(says('You take 0.2 seconds, without pauses.'), { max_p95_ms: 150, min_samples: 10 })
    await load(name, { executions: 60 })
    expect((await traffic(name)).change).toMatchObject({
      kind: 'guard',
      reason: expect.stringContaining('ran for more than 150 ms, and 5 % may'),
    })
  })

  it('goes back when it is dear', async () => {
    const model = models.model(() => ({ text: 'dear', usage: { input: 100, output: 100 } }))
    const { name } = await canary(says('Answer.', model), { max_cost: 0.1, min_samples: 5 })
    await load(name, { executions: 40 })
    expect((await traffic(name)).change).toMatchObject({
      kind: 'guard',
      reason: expect.stringContaining('dollars, and 0.1 each is the most'),
    })
  })

  it('does nothing while its deployment is stopped, and goes back when it serves again', async () => {
    const { name } = await canary(says('You take 0.5 seconds and always fail, without pauses.'), { max_error_rate: 0, min_samples: 1 }, 100)
    const started = await studio.call('POST', '/api/workflows/execute/async', { deployment_name: name, query: 'go' })
    await studio.call('POST', path(name, '/stop'))
    await until(async () => (await studio.call('GET', `/api/executions/${started.body.execution_id}`)).body.ended_at, 'its end')
    const { routes, guard } = await traffic(name)
    expect([routes[1].percent, guard.watched[0].errors]).toEqual([100, 1])
    const again = await studio.call('POST', path(name, '/reactivate'))
    expect(again.body.traffic).toMatchObject([
      { release: 1, percent: 0 },
      { release: 2, percent: 100 },
    ])
    await studio.execute({ deployment_name: name, query: 'go' })
    await until(async () => (await traffic(name)).change.kind === 'guard', 'the guard')
    expect((await traffic(name)).routes[0]).toMatchObject({ release: 1, percent: 100 })
  })
})

describe('a canary whose server is killed', () => {
  it('goes back when the next one starts, if its bound was passed before', async () => {
    const own = temporaryFolder()
    const server = await startServer(own)
    const call = async (method: string, where: string, body?: object) => {
      const response = await fetch(server.url + where, {
        method,
        headers: { 'content-type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      })
      return (await response.json()) as Answer['body']
    }
    const { workflow_id } = await call('POST', '/api/workflows', { name: 'killed', configuration: stable })
    const { deployment_id } = await call('POST', `/api/workflows/${workflow_id}/deploy`, { deployment_name: 'killed' })
    await call('POST', `/api/workflows/${workflow_id}/deploy`, { deployment_name: 'killed', force: true })
    const routes = [
      { release: 1, percent: 90 },
      { release: 2, percent: 10 },
    ]
    await call('PUT', path('killed', '/traffic'), { routes, guard: { max_error_rate: 0.1, min_samples: 10 } })
    await server.kill()
    // As if it had been killed between the end that showed it and what becomes of that.
    const db = new DatabaseSync(join(own, '.agent-studio/agent-studio.db'))
    const counts = { present: { samples: 4, errors: 2, slow: 0, cost: 0 }, before: { samples: 0, errors: 0, slow: 0, cost: 0 } }
    db.prepare('update guards set counts = ? where deployment_id = ?').run(JSON.stringify(counts), deployment_id)
    db.close()

    const next = await startServer(own)
    try {
      const { routes: now, change } = (await (await fetch(`${next.url}${path('killed', '/traffic')}`)).json()) as Answer['body']
      expect(now).toMatchObject([{ release: 1, percent: 100 }])
      expect(change).toMatchObject({ kind: 'guard', reason: expect.stringContaining('2 of 4 executions failed') })
    } finally {
      await next.kill()
      removeFolder(own)
    }
  })

  it('goes back once, wherever it is killed under load', async () => {
    const { name } = await canary(says('You take 0.1 seconds and always fail, without pauses.'), { max_error_rate: 0.2, min_samples: 60 })
    const CLIENTS = 6
    const over = new AbortController()
    const running = load(name, { clients: CLIENTS, executions: 5_000, over: over.signal })
    for (const pause of [120, 260, 60]) {
      await delay(pause)
      await studio.crash()
    }
    await until(async () => (await traffic(name).catch(() => undefined))?.change.kind === 'guard', 'the guard', 30_000)
    over.abort()
    await running
    const { body: changes } = await studio.call('GET', path(name, '/traffic/changes'))
    expect(changes.map(({ kind }: RouteChangeView) => kind)).toEqual(['guard', 'traffic', 'deploy', 'deploy'])
    // The counts are those of the ends on disk: none is lost, and none counted twice.
    const [, counted, samples] = /: (\d+) of (\d+) executions failed/.exec(changes[0].reason)!.map(Number)
    expect(samples).toBe(counted)
    expect(counted).toBeGreaterThan(12)
    const at = Date.parse(changes[0].at)
    const ended = (await ofRelease(name, 2)).filter(({ status, ended_at }) => status === 'failed' && Date.parse(ended_at) <= at).length
    // Some may have ended that were not written yet.
    expect(counted).toBeLessThanOrEqual(ended)
    expect(counted).toBeGreaterThanOrEqual(ended - CLIENTS)
  })
})
