import { describe, expect, it } from 'vitest'
import { agents, fresh, useStudio } from '../support/studio.ts'
import { until } from '../support/api.ts'

const studio = useStudio()
const path = (name: string, rest = '') => `/api/workflows/deployments/${name}${rest}`
const get = async (name: string, rest = '') => (await studio.call('GET', path(name, rest))).body
const post = (name: string, rest: string, body: object = {}) => studio.call('POST', path(name, rest), body)
const says = (system_prompt: string) => agents({ agent_id: 'a', config: { model: 'demo/assistant', system_prompt } })
const failing = agents({ agent_id: 'a', config: { model: 'demo/assistant', system_prompt: 'You fail for good.', max_retries: 0 } })
const releaseOf = async (name: string) => (await studio.execute({ deployment_name: name, query: 'x' })).body.release
const run = (name: string, query = 'x') => studio.execute({ deployment_name: name, query })

/** As many releases, each of another prompt. @returns the workflow */
async function releases(name: string, count: number, fields: object = {}): Promise<string> {
  const { workflow } = await studio.deployed(name, says('Release 1.'), fields)
  for (let number = 2; number <= count; number++) await next(workflow.workflow_id, name, says(`Release ${number}.`), fields)
  return workflow.workflow_id
}

async function next(id: string, name: string, configuration: object, fields: object = {}) {
  await studio.call('PUT', `/api/workflows/${id}`, { configuration })
  return studio.deploy(id, name, fields)
}

describe.concurrent('a rollback', () => {
  it('goes to the release before, makes none, and holds for the next execution', async () => {
    const name = fresh('back')
    await releases(name, 3)
    const { status, body } = await post(name, '/rollback', { reason: 'wrong answers' })
    expect([status, body]).toMatchObject([
      200,
      {
        message: `Deployment '${name}' rolled back to release 2 successfully`,
        release: { number: 2 },
        traffic: [{ release: 2, percent: 100 }],
        from: [3],
        to: 2,
        hold: { reason: 'wrong answers', from_releases: [3], to_release: 2 },
      },
    ])
    expect(await releaseOf(name)).toBe(2)
    expect((await get(name, '/releases')).length).toBe(3)
  })

  it('goes to any release that is named, and the next one goes back from there by what was healthy', async () => {
    const name = fresh('named')
    await releases(name, 4)
    expect((await post(name, '/rollback', { to: 2 })).body).toMatchObject({ from: [4], to: 2 })
    // 4 was rolled back from; 3 was not, and served last before it.
    expect((await post(name, '/rollback')).body).toMatchObject({ from: [2], to: 3 })
    expect((await post(name, '/rollback')).body).toMatchObject({ from: [3], to: 1 })
    const none = await post(name, '/rollback')
    expect(none).toMatchObject({ status: 409, body: { code: 'nothing_to_roll_back_to' } })
    expect(none.body.unfit).toContainEqual({ release: 4, reason: 'was rolled back from' })
    expect(await releaseOf(name)).toBe(1)
    // Somebody wants it all the same.
    expect((await post(name, '/rollback', { to: 4 })).body).toMatchObject({ to: 4 })
  })

  it('passes over a release that failed in most of its executions', async () => {
    const name = fresh('failing')
    const id = await releases(name, 1)
    await run(name)
    await next(id, name, failing)
    await run(name)
    await run(name)
    await next(id, name, says('Another try.'))
    expect((await post(name, '/rollback')).body).toMatchObject({ from: [3], to: 1 })
  })

  it('ends a canary: never to the release that is tried, although that had all executions when it was deployed', async () => {
    const name = fresh('tried')
    await releases(name, 3)
    const routes = [
      { release: 2, percent: 90 },
      { release: 3, percent: 10 },
    ]
    expect((await studio.call('PUT', path(name, '/traffic'), { routes })).status).toBe(200)
    expect((await post(name, '/rollback')).body).toMatchObject({ from: [3], to: 2 })
  })

  it('does not go to a release whose traffic somebody gave back to an older one', async () => {
    const name = fresh('given-back')
    await releases(name, 2)
    await studio.call('PUT', path(name, '/traffic'), { routes: [{ release: 1, percent: 100 }] })
    expect(await post(name, '/rollback')).toMatchObject({
      status: 409,
      body: { unfit: [{ release: 2, reason: 'gave its executions back to release 1' }] },
    })
    expect(await releaseOf(name)).toBe(1)
  })

  it('ends a canary: to the older of those that share the executions', async () => {
    const name = fresh('canary')
    await releases(name, 3)
    await post(name, '/rollback', { to: 2 })
    const routes = [
      { release: 2, percent: 40 },
      { release: 3, percent: 60 },
    ]
    expect((await studio.call('PUT', path(name, '/traffic'), { routes })).status).toBe(200)
    expect((await post(name, '/rollback')).body).toMatchObject({ from: [3], to: 2, traffic: [{ release: 2, percent: 100 }] })
  })

  it('is refused where there is nothing to go to, and changes nothing', async () => {
    const name = fresh('first')
    await releases(name, 1)
    const before = await get(name)
    expect(await post(name, '/rollback')).toMatchObject({ status: 409, body: { code: 'nothing_to_roll_back_to', unfit: [] } })
    expect(await post(name, '/rollback', { to: 1 })).toMatchObject({ status: 409, body: { code: 'release_serves' } })
    expect(await post(name, '/rollback', { to: 2 })).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/to', code: 'unknown_release' }] },
    })
    expect(await post(name, '/rollback', { to: 0 })).toMatchObject({ status: 422 })
    expect(await post(fresh('none'), '/rollback')).toMatchObject({ status: 404, body: { code: 'deployment_not_found' } })
    expect(await get(name)).toEqual(before)
  })

  it('leaves a stopped deployment stopped, which serves that release when it is reactivated', async () => {
    const name = fresh('stopped')
    await releases(name, 2)
    await post(name, '/stop')
    expect((await post(name, '/rollback')).body).toMatchObject({ status: 'inactive', to: 1 })
    expect((await run(name)).status).toBe(404)
    await post(name, '/reactivate')
    expect(await releaseOf(name)).toBe(1)
  })

  it('leads executions by workflow to the workflow of that release', async () => {
    const name = fresh('workflow')
    const first = await releases(name, 1)
    const other = await studio.workflow(says('Other.'))
    await studio.deploy(other, name)
    await post(name, '/rollback')
    expect((await studio.execute({ workflow_id: first, query: 'x' })).body).toMatchObject({ release: 1, deployment_name: name })
    expect((await studio.execute({ workflow_id: other, query: 'x' })).status).toBe(404)
  })

  it('is answered soon and holds at once, beside executions that go on', async () => {
    const name = fresh('quick')
    await releases(name, 2)
    const over = new AbortController()
    const seen: { began: number; release: number }[] = []
    const client = async () => {
      while (!over.signal.aborted) {
        const began = performance.now()
        seen.push({ began, release: await releaseOf(name) })
      }
    }
    const clients = Array.from({ length: 4 }, client)
    await until(async () => seen.length > 20, 'some executions')
    const times: number[] = []
    let last = 0
    for (let times_ = 0; times_ < 10; times_++) {
      const began = performance.now()
      const { status } = await post(name, '/rollback', { to: times_ % 2 === 0 ? 1 : 2 })
      last = performance.now()
      times.push(last - began)
      expect(status).toBe(200)
    }
    over.abort()
    await Promise.all(clients)
    // 5 ms on a quiet machine, where 50 is promised; this one may have much else to do.
    expect(times.toSorted((a, b) => a - b)[5]).toBeLessThan(500)
    expect(new Set(seen.filter(({ began }) => began > last).map(({ release }) => release))).not.toContain(1)
  })
})

describe.concurrent('after a rollback', () => {
  it('automated deploys are refused until somebody lets them go on', async () => {
    const name = fresh('held')
    const id = await releases(name, 2)
    const automated = () => studio.call('POST', `/api/workflows/${id}/deploy`, { deployment_name: name, automated: true, force: true })
    expect((await automated()).body.release.number).toBe(3)
    await post(name, '/rollback', { reason: 'slow' })
    expect((await get(name)).hold).toMatchObject({ reason: 'slow', from_releases: [3] })
    expect(await automated()).toMatchObject({ status: 409, body: { code: 'deploys_held', from_releases: [3], to_release: 2 } })
    const dry = await studio.call('POST', `/api/workflows/${id}/deploy`, { deployment_name: name, automated: true, dry_run: true })
    expect(dry.body).toMatchObject({ valid: false, errors: [{ pointer: '/automated', code: 'deploys_held' }] })
    expect(await releaseOf(name)).toBe(2)
    expect((await post(name, '/resume-deploys')).body).toMatchObject({ was_held: true })
    expect((await post(name, '/resume-deploys')).body).toMatchObject({ was_held: false })
    expect((await automated()).body.release.number).toBe(4)
    expect((await get(name)).hold).toBeNull()
  })

  it('a plain deploy ends that as well, also one of what serves', async () => {
    for (const force of [true, false]) {
      const name = fresh('plain')
      const id = await releases(name, 1)
      await studio.deploy(id, name, { force: true })
      await post(name, '/rollback')
      expect(await studio.deploy(id, name, { force })).toMatchObject({ unchanged: !force })
      expect((await get(name)).hold).toBeNull()
    }
  })

  it('the history of the routes says so', async () => {
    const name = fresh('kept')
    const id = await releases(name, 2)
    await post(name, '/rollback')
    const { body } = await studio.call('POST', `/api/workflows/${id}/deploy`, { deployment_name: name, automated: true })
    expect(body.code).toBe('deploys_held')
    expect((await get(name, '/traffic/changes'))[0]).toMatchObject({ kind: 'rollback', after: [{ release: 1, percent: 100 }] })
  })
})

describe.concurrent('what a bad release touched', () => {
  it('is listed, counted, and run again with the same requests on what serves now, each once', async () => {
    const name = fresh('touched')
    const id = await releases(name, 1)
    await next(id, name, failing)
    const bad: string[] = []
    for (let number = 0; number < 3; number++) {
      bad.push(
        (await studio.execute({ deployment_name: name, query: `question ${number}`, user_id: 'u', input: { n: number } })).body
          .execution_id,
      )
    }
    const { body } = await post(name, '/rollback')
    expect(body.touched).toMatchObject([{ release: 2, counts: { failed: 3, completed: 0 } }])
    expect(body.touched[0].executions.map((one: { execution_id: string }) => one.execution_id).toSorted()).toEqual(bad.toSorted())
    expect((await studio.call('GET', body.touched[0].all)).body.length).toBe(3)

    const first = await post(name, '/executions/rerun', { release: 2, limit: 2 })
    expect(first).toMatchObject({ status: 200, body: { rerun: 2, remaining: 1, stopped_by: null } })
    const second = await post(name, '/executions/rerun', { release: 2 })
    expect(second.body).toMatchObject({ rerun: 1, remaining: 0 })
    expect((await post(name, '/executions/rerun', { release: 2 })).body).toMatchObject({ rerun: 0, remaining: 0 })
    const pairs: { execution_id: string; rerun_id: string }[] = [...first.body.executions, ...second.body.executions]
    expect(pairs.map(({ execution_id }) => execution_id)).toEqual(bad)
    for (const [number, { rerun_id }] of pairs.entries()) {
      const look = async () => (await studio.call('GET', `/api/executions/${rerun_id}`)).body
      await until(async () => (await look()).status === 'completed', 'a rerun to end')
      expect(await look()).toMatchObject({ release: 1, query: `question ${number}`, user_id: 'u', input: { n: number } })
    }
  })

  it('keeps what the requests asked for otherwise', async () => {
    const name = fresh('overrides')
    await releases(name, 1)
    await studio.execute({ deployment_name: name, query: 'x', runtime_overrides: { timeout: 17 } })
    await studio.call('PATCH', path(name), { runtime_config: { timeout: 90, max_retries: 2 } })
    const { body } = await post(name, '/executions/rerun', { release: 1, status: ['completed'] })
    const again = (await studio.call('GET', `/api/executions/${body.executions[0].rerun_id}`)).body
    expect(again).toMatchObject({ release: 2, runtime_config: { timeout: 17, max_retries: 2 } })
  })

  it('is run again only as far as the limits of the deployment let it', async () => {
    const name = fresh('limited')
    await releases(name, 1)
    for (let number = 0; number < 4; number++) await run(name)
    await studio.call('PATCH', path(name), { runtime_config: { rate_limit: { requests: 2, seconds: 3600 } } })
    const some = await post(name, '/executions/rerun', { release: 1, status: ['completed'] })
    expect(some.body).toMatchObject({ rerun: 2, remaining: 2, stopped_by: { code: 'deployment_rate_limited' } })
    expect(await post(name, '/executions/rerun', { release: 1, status: ['completed'] })).toMatchObject({ status: 429 })
    await post(name, '/stop')
    expect(await post(name, '/executions/rerun', { release: 1, status: ['completed'] })).toMatchObject({
      status: 404,
      body: { code: 'deployment_inactive' },
    })
  })

  it('is cancelled, that of one release alone, and only what is in flight', async () => {
    const name = fresh('cancelled')
    const id = await releases(name, 1)
    const old = await studio.startLong(name)
    await studio.deploy(id, name, { force: true })
    await run(name)
    const bad = [await studio.startLong(name), await studio.startLong(name)]
    await post(name, '/rollback')
    const some = await post(name, '/executions/cancel', { release: 2, limit: 1 })
    expect(some.body).toMatchObject({ cancelled: 1, remaining: 1, execution_ids: [bad[0]!.execution_id] })
    expect((await post(name, '/executions/cancel', { release: 2 })).body).toMatchObject({ cancelled: 1, remaining: 0 })
    expect((await get(name)).in_flight).toEqual({ queued: 0, running: 1, waiting: 0 })
    expect((await studio.call('GET', `/api/executions/${old.execution_id}`)).body.status).toBe('running')
    for (const { events } of bad) expect((await events).at(-1)!.data).toMatchObject({ status: 'error', code: 'execution_cancelled' })
  })

  it.each([
    ['rerun', {}],
    ['rerun', { release: 1, status: [] }],
    ['rerun', { release: 1, status: ['running'] }],
    ['rerun', { release: 1, limit: 501 }],
    ['cancel', { status: ['failed'] }],
    ['cancel', { from: 'yesterday' }],
  ])('is not chosen by what makes no sense: %s %j', async (verb, body) => {
    const name = fresh('nonsense')
    await releases(name, 1)
    expect((await post(name, `/executions/${verb}`, body)).status).toBe(422)
  })
})

describe('what was run again', () => {
  it('is found after a crash, and ends', async () => {
    const name = fresh('crashed')
    await releases(name, 1)
    await run(name)
    const { body } = await post(name, '/executions/rerun', { release: 1, status: ['completed'] })
    await studio.crash()
    const { rerun_id } = body.executions[0]
    await until(async () => (await studio.call('GET', `/api/executions/${rerun_id}`)).body.status === 'completed', 'the rerun to end')
    expect((await post(name, '/executions/rerun', { release: 1, status: ['completed'], limit: 1 })).body).toMatchObject({ rerun: 1 })
  })
})

describe.concurrent('a reactivation', () => {
  it('brings back exactly what was stopped: releases, traffic, tags, and what was frozen', async () => {
    const name = fresh('exactly')
    await releases(name, 3)
    const routes = [
      { release: 1, percent: 0, tag: 'old' },
      { release: 2, percent: 70 },
      { release: 3, percent: 30, tag: 'new' },
    ]
    await studio.call('PUT', path(name, '/traffic'), { routes })
    const frozen = await studio.startLong(name)
    const before = await get(name)
    await post(name, '/stop', { mode: 'freeze' })
    const { message: _, ...after } = (await post(name, '/reactivate')).body
    const { in_flight: _inFlight, hold: _hold, ...expected } = before
    expect(after).toEqual(expected)
    expect((await get(name, '/releases')).length).toBe(3)
    expect((await studio.execute({ deployment_name: name, query: 'x', tag: 'old' })).body.release).toBe(1)
    await until(
      async () => (await studio.call('GET', `/api/executions/${frozen.execution_id}`)).body.status === 'running',
      'what was frozen',
    )
  })
})
