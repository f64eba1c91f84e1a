import { describe, expect, it } from 'vitest'
import type { RouteChangeView } from '../../src/deployments/traffic-view.ts'
import { bucketOf } from '../../src/engine/traffic.ts'
import type { Issue } from '../../src/errors.ts'
import { readEvents } from '../support/api.ts'
import { agents, fresh, slow, useStudio } from '../support/studio.ts'

const studio = useStudio()
const path = (name: string, rest = '') => `/api/workflows/deployments/${name}${rest}`
const says = (system_prompt: string) =>
  agents({ agent_id: 'a', config: { model: 'demo/assistant', system_prompt: `${system_prompt} Work without pauses.` } })
const put = (name: string, body: object, headers?: Record<string, string>) => studio.call('PUT', path(name, '/traffic'), body, headers)
const traffic = async (name: string, query = '') => (await studio.call('GET', path(name, `/traffic${query}`))).body
const run = async (deployment_name: string, fields: object = {}) => (await studio.execute({ deployment_name, query: 'x', ...fields })).body
const look = async (id: string) => (await studio.call('GET', `/api/executions/${id}`)).body

/** @returns its name, and the id of its workflow */
async function withReleases(count: number, fields: object = {}) {
  const name = fresh('traffic')
  const { workflow, deployment_id } = await studio.deployed(name, says('Release 1.'), fields)
  const { workflow_id } = workflow
  for (let number = 2; number <= count; number++) {
    await studio.call('PUT', `/api/workflows/${workflow_id}`, { configuration: says(`Release ${number}.`) })
    await studio.deploy(workflow_id, name, fields)
  }
  return { name, workflow_id, deployment_id }
}

const canary = (percent: number, tag?: string) => [
  { release: 1, percent: 100 - percent },
  { release: 2, percent, ...(tag !== undefined && { tag }) },
]

describe.concurrent('traffic', () => {
  it('divides executions among releases, and answers with what holds from then on', async () => {
    const { name, deployment_id } = await withReleases(2)
    const answer = await put(name, { routes: canary(25, 'canary'), reason: 'a try' })
    expect(answer).toMatchObject({
      status: 200,
      body: {
        deployment_id,
        deployment_name: name,
        environment: 'production',
        status: 'active',
        live: 1,
        routes: [
          { release: 1, percent: 75 },
          { release: 2, percent: 25, tag: 'canary' },
        ],
        guard: null,
        unchanged: false,
        change: {
          number: 3,
          kind: 'traffic',
          reason: 'a try',
          before: [{ release: 2, percent: 100 }],
          after: [
            { release: 1, percent: 75 },
            { release: 2, percent: 25, tag: 'canary' },
          ],
        },
      },
    })
    expect(answer.headers.get('etag')).toBe((await studio.call('GET', path(name, '/traffic'))).headers.get('etag'))
    const served: number[] = []
    for (let count = 0; count < 80; count++) served.push((await run(name)).release)
    const part = served.filter((release) => release === 2).length
    expect(part).toBeGreaterThan(5)
    expect(part).toBeLessThan(45)
    const shown = await traffic(name)
    const [one, two] = shown.routes
    expect([one.statistics.completed, two.statistics.completed]).toEqual([80 - part, part])
    expect(two.statistics).toMatchObject({ complete: true, executions: part, failed: 0, error_rate: 0, cost: 0 })
    expect(two.statistics.tokens.total).toBeGreaterThan(0)
    expect(two.statistics.duration_ms.p95).toBeGreaterThanOrEqual(two.statistics.duration_ms.p50)
    expect((await studio.call('GET', path(name))).body).toMatchObject({
      release: { number: 1 },
      traffic: [
        { release: 1, percent: 75 },
        { release: 2, percent: 25, tag: 'canary' },
      ],
      execution_count: 80,
    })
  })

  it('keeps a session on one release while the percentages stay', async () => {
    const { name, deployment_id } = await withReleases(2)
    await put(name, { routes: canary(50) })
    for (const session_id of ['ann', 'ben', 'cleo', 'dan']) {
      const releases = new Set<number>()
      for (let times = 0; times < 3; times++) releases.add((await run(name, { session_id })).release)
      // Release 2 had all buckets and keeps the first half of them.
      expect([...releases], session_id).toEqual([bucketOf(deployment_id, session_id) < 5_000 ? 2 : 1])
    }
  })

  it('lists a deployment once, and its executions by release, however many routes it has', async () => {
    const { name, workflow_id, deployment_id } = await withReleases(3)
    await put(name, {
      routes: [
        { release: 1, percent: 40 },
        { release: 2, percent: 40 },
        { release: 3, percent: 20, tag: 'new' },
      ],
    })
    for (const release of [1, 2, 3]) await run(name, { release })
    const all = (await studio.call('GET', `/api/workflows/deployments?q=${name}`)).body
    expect(all.map((one: { deployment_id: string }) => one.deployment_id)).toEqual([deployment_id])
    expect(all[0].release.number).toBe(1)
    const { body: workflow } = await studio.call('GET', `/api/workflows/${workflow_id}`)
    expect(workflow.workflow_deployments).toHaveLength(1)
    for (const release of [1, 2, 3]) {
      const { body } = await studio.call('GET', `/api/executions?deployment_name=${name}&release=${release}`)
      expect(body.map((one: { release: number }) => one.release)).toEqual([release])
      const anywhere = (await studio.call('GET', `/api/executions?release=${release}&limit=500`)).body
      expect(anywhere.some((one: { deployment_id: string }) => one.deployment_id === deployment_id)).toBe(true)
    }
  })

  it('leaves what is in flight where it is', async () => {
    const name = fresh('pinned')
    const { workflow } = await studio.deployed(name, slow)
    const { execution_id } = await studio.startLong(name)
    await studio.call('PUT', `/api/workflows/${workflow.workflow_id}`, { configuration: says('Two.') })
    await studio.deploy(workflow.workflow_id, name)
    await put(name, { routes: canary(0, 'idle') })
    await put(name, { routes: [{ release: 2, percent: 100 }] })
    expect(await look(execution_id)).toMatchObject({ status: 'running', release: 1 })
    expect((await studio.call('GET', path(name))).body.in_flight).toEqual({ queued: 0, running: 1, waiting: 0 })
  })

  it('is ended by a deploy, and comes back as it was after a stop', async () => {
    const { name, workflow_id } = await withReleases(2)
    await put(name, { routes: canary(30, 'canary') })
    const before = await traffic(name)
    await studio.call('POST', path(name, '/stop'))
    expect(await traffic(name)).toMatchObject({ status: 'inactive', routes: [{ percent: 70 }, { percent: 30, tag: 'canary' }] })
    const refused = await put(name, { routes: canary(40) })
    expect([refused.status, refused.body.code]).toEqual([404, 'deployment_inactive'])
    const again = (await studio.call('POST', path(name, '/reactivate'))).body
    expect(again.traffic).toEqual([
      { release: 1, percent: 70 },
      { release: 2, percent: 30, tag: 'canary' },
    ])
    expect((await traffic(name)).change).toEqual(before.change)
    expect((await run(name, { tag: 'canary' })).release).toBe(2)

    const third = await studio.deploy(workflow_id, name, { force: true })
    expect(third.traffic).toEqual([{ release: 3, percent: 100 }])
    expect((await run(name, { tag: 'canary' })).code).toBe('tag_not_routed')
    const { body: changes } = await studio.call('GET', path(name, '/traffic/changes'))
    expect(changes.map(({ number, kind }: RouteChangeView) => [number, kind])).toEqual([
      [4, 'deploy'],
      [3, 'traffic'],
      [2, 'deploy'],
      [1, 'deploy'],
    ])
    const page = await studio.call('GET', path(name, '/traffic/changes?limit=3'))
    const next = /<([^>]+)>/.exec(page.headers.get('link')!)![1]!
    expect((await studio.call('GET', next)).body.map(({ number }: RouteChangeView) => number)).toEqual([1])
  })

  it('is the same in every environment that it was not set in', async () => {
    const { name, workflow_id } = await withReleases(2, { environment: 'development' })
    await studio.deploy(workflow_id, name, { environment: 'production' })
    await put(name, { routes: canary(10), environment: 'development' })
    expect((await traffic(name, '?environment=production')).routes).toMatchObject([{ release: 1, percent: 100 }])
    expect((await traffic(name, '?environment=development')).routes).toHaveLength(2)
  })

  it('goes back to the oldest release that has a part, where its guard says nothing else', async () => {
    const { name } = await withReleases(3)
    const guard = { max_error_rate: 0.5, min_samples: 5 }
    const of = async (percents: number[], back_to?: number) => {
      const routes = percents.map((percent, index) => ({ release: index + 1, percent }))
      const { body } = await put(name, { routes, guard: { ...guard, ...(back_to !== undefined && { back_to }) } })
      return [body.guard.back_to, body.guard.watched.map(({ release }: { release: number }) => release)]
    }
    expect(await of([90, 10])).toEqual([1, [2]])
    expect(await of([10, 90])).toEqual([1, [2]])
    expect(await of([0, 90, 10])).toEqual([2, [3]])
    expect(await of([0, 0, 100])).toEqual([1, [3]])
    expect(await of([30, 30, 40])).toEqual([1, [2, 3]])
    expect(await of([10, 0, 90], 3)).toEqual([3, [1]])
  })

  it('that is set to what it is changes nothing', async () => {
    const { name } = await withReleases(2)
    const guard = { min_samples: 5, max_error_rate: 0.5 }
    const first = await put(name, { routes: canary(10), guard })
    const reordered = { routes: canary(10).toReversed(), guard: { max_error_rate: 0.5, min_samples: 5, back_to: 1 } }
    const again = await put(name, reordered)
    expect(again.body).toMatchObject({ unchanged: true, change: first.body.change, guard: { back_to: 1 } })
    expect(again.headers.get('etag')).toBe(first.headers.get('etag'))
  })

  it('has no part that is less than a hundredth of a percent', async () => {
    const { name, workflow_id } = await withReleases(2)
    const routes = [
      { release: 1, percent: 1e-13 },
      { release: 2, percent: 99.99999999999999 },
    ]
    expect((await put(name, { routes })).body.routes).toMatchObject([
      { release: 1, percent: 0 },
      { release: 2, percent: 100 },
    ])
    expect((await studio.deploy(workflow_id, name)).unchanged).toBe(true)
  })

  it('is left as it is by a runtime configuration that is the same', async () => {
    const { name } = await withReleases(2)
    await put(name, { routes: canary(10), guard: { min_samples: 5, max_error_rate: 0.5 } })
    const before = await traffic(name)
    const { status, body } = await studio.call('PATCH', path(name), { runtime_config: { timeout: 300 } })
    expect([status, body]).toMatchObject([200, { unchanged: true, release: { number: 1 } }])
    expect(await traffic(name)).toEqual(before)
  })
})

describe.concurrent('a release that is asked for', () => {
  it('is run, by its number or the tag of its route, also at 0 %, by every way of executing', async () => {
    const { name } = await withReleases(2)
    await put(name, { routes: canary(0, 'canary') })
    for (let times = 0; times < 5; times++) expect((await run(name)).release).toBe(1)
    expect((await run(name, { tag: 'canary' })).release).toBe(2)
    expect((await run(name, { release: 2, session_id: 's' })).release).toBe(2)
    expect((await run(name, { release: 1 })).release).toBe(1)
    const background = await studio.call('POST', '/api/workflows/execute/async', { deployment_name: name, query: 'x', tag: 'canary' })
    expect(background).toMatchObject({ status: 202, body: { release: 2 } })
    const events = await readEvents(await studio.stream({ deployment_name: name, query: 'x', tag: 'canary' }))
    expect(await look(events[0]!.data.execution_id)).toMatchObject({ release: 2 })
  })

  it('is named by the only release, too', async () => {
    const { name } = await withReleases(2)
    expect((await run(name, { release: 2 })).release).toBe(2)
  })

  it('that no route leads to is 404, and says what there is', async () => {
    const { name } = await withReleases(3)
    await put(name, { routes: [{ release: 2, percent: 100, tag: 'stable' }] })
    for (const fields of [{ release: 1 }, { release: 99 }]) {
      const { status, body } = await studio.execute({ deployment_name: name, query: 'x', ...fields })
      expect([status, body.code]).toEqual([404, 'release_not_routed'])
      expect(body.detail).toContain('it routes to 2')
    }
    const { status, body } = await studio.execute({ deployment_name: name, query: 'x', tag: 'canary' })
    expect([status, body.code]).toEqual([404, 'tag_not_routed'])
    expect(body.detail).toContain("'stable'")
    expect((await studio.call('GET', path(name))).body.execution_count).toBe(0)
  })

  it.each([
    [{ release: 1, tag: 'x' }, '/tag'],
    [{ release: 0 }, '/release'],
    [{ release: '1' }, '/release'],
    [{ release: 1.5 }, '/release'],
    [{ tag: 'Not a tag' }, '/tag'],
    [{ tag: '' }, '/tag'],
  ])('as %o is 422', async (fields, pointer) => {
    const { status, body } = await studio.execute({ deployment_name: 'hello', query: 'x', ...fields })
    expect([status, body.code]).toEqual([422, 'invalid_input'])
    expect(body.errors.map((error: Issue) => error.pointer)).toContain(pointer)
  })
})

describe.concurrent('why an execution ran its release', () => {
  it('is told with the execution: the route, the bucket, the release and who made it, and how the route came to be', async () => {
    const { name, deployment_id } = await withReleases(2, { deployed_by: 'ann', runtime_config: { timeout: 77 } })
    const only = await look((await run(name)).execution_id)
    expect(only.routing).toMatchObject({
      chosen_by: 'only_route',
      bucket: null,
      route: { release: 2, percent: 100 },
      release: { number: 2, created_by: 'ann', made_by: 'deploy', digest: expect.stringMatching(/^[0-9a-f]{64}$/) },
      change: { number: 2, kind: 'deploy', by: 'ann' },
    })
    expect(only).toMatchObject({ environment: 'production', release: 2, runtime_config: { timeout: 77 } })

    await put(name, { routes: canary(50, 'canary'), reason: 'half of it' })
    const session = await look((await run(name, { session_id: 'ann' })).execution_id)
    const bucket = bucketOf(deployment_id, 'ann')
    expect(session.routing).toMatchObject({ chosen_by: 'session', bucket, change: { number: 3, kind: 'traffic', reason: 'half of it' } })
    expect(session.routing.route).toEqual(session.release === 2 ? { release: 2, percent: 50, tag: 'canary' } : { release: 1, percent: 50 })
    const lot = await look((await run(name)).execution_id)
    expect(lot.routing).toMatchObject({ chosen_by: 'lot', bucket: bucketOf(deployment_id, lot.execution_id) })
    expect((await look((await run(name, { tag: 'canary' })).execution_id)).routing).toMatchObject({ chosen_by: 'tag', bucket: null })
    expect((await look((await run(name, { release: 1 })).execution_id)).routing).toMatchObject({
      chosen_by: 'release',
      route: { release: 1 },
    })

    // What it was then stays, whatever the routes are now.
    await put(name, { routes: [{ release: 1, percent: 100 }] })
    expect((await look(session.execution_id)).routing).toEqual(session.routing)
  })

  it('has the settings of its release, under the limits of the live one', async () => {
    const { name, workflow_id } = await withReleases(1, { runtime_config: { timeout: 50, concurrency: { limit: 3, queue: 5 } } })
    await studio.deploy(workflow_id, name, { runtime_config: { timeout: 60, concurrency: { limit: 1, queue: 0 } } })
    await put(name, { routes: canary(0, 'canary') })
    const { runtime_config } = await look((await run(name, { tag: 'canary' })).execution_id)
    expect(runtime_config).toMatchObject({ timeout: 60, concurrency: { limit: 3, queue: 5 } })
  })

  it('takes a place among the executions of the deployment, whichever release it runs', async () => {
    const name = fresh('places')
    const { workflow } = await studio.deployed(name, slow, { runtime_config: { concurrency: { limit: 1, queue: 0 } } })
    await studio.deploy(workflow.workflow_id, name, { runtime_config: {} })
    await put(name, { routes: canary(0, 'canary') })
    const started = { deployment_name: name, query: 'x', tag: 'canary' }
    expect((await studio.call('POST', '/api/workflows/execute/async', started)).status).toBe(202)
    for (const fields of [{}, { tag: 'canary' }]) {
      const { status, body } = await studio.execute({ deployment_name: name, query: 'x', ...fields })
      expect([status, body.code]).toEqual([429, 'deployment_busy'])
    }
  })

  it('follows the workflow where that is insisted on', async () => {
    const { name } = await withReleases(1)
    const other = await studio.workflow(says('Another workflow.'))
    await studio.deploy(other, name)
    await put(name, {
      routes: [
        { release: 1, percent: 20 },
        { release: 2, percent: 80 },
      ],
    })
    for (let times = 0; times < 8; times++) {
      const { execution_id, release } = await run(name, { workflow_id: other })
      expect(release).toBe(2)
      expect(['lot', 'live']).toContain((await look(execution_id)).routing.chosen_by)
    }
    const refused = await studio.execute({ deployment_name: name, query: 'x', workflow_id: other, release: 1 })
    expect([refused.status, refused.body.code]).toEqual([404, 'workflow_not_deployed'])
  })
})

describe.concurrent('traffic that cannot be', () => {
  it.each([
    ['nothing', {}, ['/routes']],
    ['no route', { routes: [] }, ['/routes']],
    [
      'percentages that do not add up',
      {
        routes: [
          { release: 1, percent: 50 },
          { release: 2, percent: 49 },
        ],
      },
      ['/routes'],
    ],
    [
      'percentages with three decimals',
      {
        routes: [
          { release: 1, percent: 50.005 },
          { release: 2, percent: 49.995 },
        ],
      },
      ['/routes/0/percent', '/routes/1/percent'],
    ],
    [
      'a negative percentage',
      {
        routes: [
          { release: 1, percent: -1 },
          { release: 2, percent: 101 },
        ],
      },
      ['/routes/0/percent', '/routes/1/percent'],
    ],
    ['a percentage as text', { routes: [{ release: 1, percent: '100' }] }, ['/routes/0/percent']],
    [
      'a release twice',
      {
        routes: [
          { release: 1, percent: 50 },
          { release: 1, percent: 50 },
        ],
      },
      ['/routes/1/release'],
    ],
    [
      'a tag twice',
      {
        routes: [
          { release: 1, percent: 50, tag: 'a' },
          { release: 2, percent: 50, tag: 'a' },
        ],
      },
      ['/routes/1/tag'],
    ],
    ['a tag in capitals', { routes: [{ release: 1, percent: 100, tag: 'Canary' }] }, ['/routes/0/tag']],
    ['a tag that is null', { routes: [{ release: 1, percent: 100, tag: null }] }, ['/routes/0/tag']],
    [
      'a release that there is not',
      {
        routes: [
          { release: 1, percent: 99 },
          { release: 7, percent: 1 },
        ],
      },
      ['/routes/1/release'],
    ],
    ['a field that there is not', { routes: [{ release: 1, percent: 100, weight: 1 }] }, ['/routes/0/weight']],
    ['a guard without a bound', { routes: canary(10), guard: { min_samples: 5 } }, ['/guard']],
    ['a guard without a sample', { routes: canary(10), guard: { max_error_rate: 0.1 } }, ['/guard/min_samples']],
    ['a guard of one route', { routes: [{ release: 1, percent: 100 }], guard: { max_error_rate: 0.1, min_samples: 5 } }, ['/guard']],
    ['a guard back to nothing', { routes: canary(10), guard: { max_error_rate: 0.1, min_samples: 5, back_to: 3 } }, ['/guard/back_to']],
    [
      'a guard with nothing to watch',
      { routes: canary(0), guard: { max_error_rate: 0.1, min_samples: 5, back_to: 1 } },
      ['/guard/back_to'],
    ],
    ['an error rate in percent', { routes: canary(10), guard: { max_error_rate: 5, min_samples: 5 } }, ['/guard/max_error_rate']],
  ])('as %s, is 422 and changes nothing', async (_what, body, pointers) => {
    const { name } = await withReleases(2)
    const before = await traffic(name)
    const answer = await put(name, body)
    expect([answer.status, answer.body.code]).toEqual([422, 'invalid_input'])
    expect(answer.body.errors.map((error: Issue) => error.pointer)).toEqual(pointers)
    expect(await traffic(name)).toEqual(before)
  })

  it('as percentages with two decimals is fine', async () => {
    const { name } = await withReleases(3)
    const routes = [
      { release: 1, percent: 0.29 },
      { release: 2, percent: 33.33 },
      { release: 3, percent: 66.38 },
    ]
    expect((await put(name, { routes })).body.routes).toMatchObject(routes)
  })

  it('with a stale If-Match is 412 and changes nothing; with the right one it is done', async () => {
    const { name } = await withReleases(2)
    const { headers } = await studio.call('GET', path(name, '/traffic'))
    const tag = headers.get('etag')!
    expect((await put(name, { routes: canary(10) }, { 'if-match': tag })).status).toBe(200)
    const stale = await put(name, { routes: canary(20) }, { 'if-match': tag })
    expect([stale.status, stale.body.code]).toEqual([412, 'precondition_failed'])
    expect((await traffic(name)).routes[1].percent).toBe(10)
  })

  it('of a deployment that there is not is 404', async () => {
    for (const [method, rest] of [
      ['PUT', ''],
      ['GET', ''],
      ['GET', '/changes'],
    ] as const) {
      const { status, body } = await studio.call(
        method,
        path('nobody', `/traffic${rest}`),
        method === 'PUT' ? { routes: canary(1) } : undefined,
      )
      expect([status, body.code]).toEqual([404, 'deployment_not_found'])
    }
  })
})
