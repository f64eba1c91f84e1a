import { describe, expect, it } from 'vitest'
import { agents, echo, fresh, slow, useStudio } from '../support/studio.ts'

const studio = useStudio()
const path = (name: string, rest = '') => `/api/workflows/deployments/${name}${rest}`
const get = async (name: string, rest = '') => (await studio.call('GET', path(name, rest))).body
const prompted = (system_prompt: string, config: object = {}) =>
  agents({ agent_id: 'a', config: { model: 'demo/echo', system_prompt, ...config } })

/** Two releases that differ. @returns its workflow */
async function two(name: string, environment = 'development'): Promise<string> {
  const { workflow } = await studio.deployed(name, prompted('Be kind.\nAlways.'), { environment, note: 'the first', deployed_by: 'ann' })
  await studio.call('PUT', `/api/workflows/${workflow.workflow_id}`, { configuration: prompted('Be brief.\nAlways.') })
  await studio.deploy(workflow.workflow_id, name, { environment })
  return workflow.workflow_id
}

describe.concurrent('the releases of a deployment', () => {
  it('are listed, the newest first, with who made them, why, how, and what goes to them', async () => {
    const name = fresh('listed')
    const workflow_id = await two(name)
    await studio.call('PATCH', path(name), { runtime_config: { timeout: 60 }, note: 'quicker', changed_by: 'bob' })
    const list = await get(name, '/releases')
    expect(list).toMatchObject([
      {
        number: 3,
        note: 'quicker',
        created_by: 'bob',
        made_by: 'runtime_config',
        runtime_config: { timeout: 60, max_retries: 3 },
        live: true,
        traffic: { percent: 100 },
      },
      { number: 2, note: null, created_by: null, made_by: 'deploy', live: false, traffic: null },
      { number: 1, note: 'the first', created_by: 'ann', made_by: 'deploy', made_from: null, api_key: null, workflow: { workflow_id } },
    ])
    expect(list[0].definition_digest).toBe(list[1].definition_digest)
    expect(list[0].digest).not.toBe(list[1].digest)
  })

  it('come in pages', async () => {
    const name = fresh('paged')
    const { workflow } = await studio.deployed(name)
    for (let more = 0; more < 4; more++) await studio.deploy(workflow.workflow_id, name, { force: true })
    const numbers: number[][] = []
    for (let next: string | undefined = path(name, '/releases?limit=2'); next !== undefined;) {
      const { body, headers } = await studio.call('GET', next)
      numbers.push(body.map((one: { number: number }) => one.number))
      next = /<([^>]+)>/.exec(headers.get('link') ?? '')?.[1]
    }
    expect(numbers).toEqual([[5, 4], [3, 2], [1]])
  })

  it('can be looked at, each with its whole definition', async () => {
    const name = fresh('whole')
    await two(name)
    expect(await get(name, '/releases/1')).toMatchObject({
      number: 1,
      deployment_name: name,
      environment: 'development',
      references: { secrets: [], variables: [], provider_keys: [] },
      definition: { agents: [{ agent_id: 'a', config: { system_prompt: 'Be kind.\nAlways.' } }], connections: [] },
    })
    expect(await studio.call('GET', path(name, '/releases/9'))).toMatchObject({ status: 404, body: { code: 'release_not_found' } })
    expect((await studio.call('GET', path(name, '/releases/x'))).status).toBe(422)
    expect(await studio.call('GET', path(fresh('none'), '/releases'))).toMatchObject({
      status: 404,
      body: { code: 'deployment_not_found' },
    })
  })

  it('stay when the workflow and its draft are gone', async () => {
    const name = fresh('orphan')
    const workflow_id = await two(name)
    await studio.call('POST', path(name, '/stop'))
    expect((await studio.call('DELETE', `/api/workflows/${workflow_id}`)).status).toBe(200)
    expect((await get(name, '/releases')).length).toBe(2)
    expect(await studio.call('GET', path(name, '/diff?to=draft'))).toMatchObject({ status: 404, body: { code: 'workflow_not_found' } })
  })
})

describe.concurrent('two releases compared', () => {
  it('show each setting that differs, and texts as texts', async () => {
    const name = fresh('compared')
    await two(name)
    await studio.call('PATCH', path(name), { runtime_config: { timeout: 60 } })
    expect(await get(name, '/diff?from=1&to=3')).toMatchObject({
      from: { release: 1, environment: 'development' },
      to: { release: 3 },
      identical: false,
      counts: { nodes: { added: 0, removed: 0, changed: 1 } },
      nodes: [
        {
          change: 'changed',
          id: 'a',
          differences: [{ pointer: '/agents/0/config/system_prompt', diff: '@@ -1,2 +1,2 @@\n-Be kind.\n+Be brief.\n Always.' }],
        },
      ],
      runtime_config: [{ pointer: '/runtime_config/timeout', change: 'changed', before: 300, after: 60 }],
      truncated: false,
    })
    expect(await get(name, '/diff?from=2&to=2')).toMatchObject({ identical: true, nodes: [], runtime_config: [] })
  })

  it('may be of different environments', async () => {
    const name = fresh('across')
    await two(name)
    await two(name, 'production')
    expect(await get(name, '/diff?environment=development&to_environment=production')).toMatchObject({
      from: { environment: 'development', release: 2 },
      to: { environment: 'production', release: 2 },
      identical: true,
    })
    expect(await get(name, '/diff?environment=development&from=1&to_environment=production')).toMatchObject({ identical: false })
  })

  it('or one of them the draft', async () => {
    const name = fresh('draft')
    const workflow_id = await two(name)
    expect(await get(name, '/diff?to=draft')).toMatchObject({ identical: true, to: { release: null, workflow_id } })
    await studio.call('PUT', `/api/workflows/${workflow_id}`, { configuration: agents({ agent_id: 'b' }) })
    expect(await get(name, '/diff?to=draft')).toMatchObject({
      nodes: [
        { change: 'added', id: 'b' },
        { change: 'removed', id: 'a' },
      ],
    })
    await studio.call('PUT', `/api/workflows/${workflow_id}`, { configuration: {} })
    expect(await studio.call('GET', path(name, '/diff?to=draft'))).toMatchObject({ status: 422, body: { code: 'workflow_invalid' } })
  })

  it.each(['', '?to=new', '?to=0', '?from=x&to=1', '?to=1&to_environment=nowhere', '?to=9', '?from=9&to=1'])(
    'need two that there are: diff%s',
    async (query) => {
      const name = fresh('asked')
      await studio.deployed(name)
      const { status } = await studio.call('GET', path(name, `/diff${query}`))
      expect(status).toBe(query.includes('9') ? 404 : 422)
    },
  )
})

describe.concurrent('a deploy', () => {
  const deploy = (id: string, body: object) => studio.call('POST', `/api/workflows/${id}/deploy`, body)

  it('as a dry run tells everything and writes nothing', async () => {
    const name = fresh('dry')
    const { workflow } = await studio.deployed(name, slow, { environment: 'development' })
    await studio.startLong(name)
    const trail = async () => (await studio.call('GET', '/api/audit?limit=1')).body[0].seq
    await studio.call('PUT', `/api/workflows/${workflow.workflow_id}`, { configuration: prompted('x') })
    const before = [await get(name), await get(name, '/releases')]
    const { status, body } = await deploy(workflow.workflow_id, { deployment_name: name, environment: 'development', dry_run: true })
    expect([status, body]).toMatchObject([
      200,
      {
        dry_run: true,
        valid: true,
        errors: [],
        unchanged: false,
        needs_approval: false,
        release: { number: 2, runtime_config: { timeout: 300 } },
        diff: { counts: { nodes: { added: 1, removed: 1 } } },
        in_flight: { running: 1 },
      },
    ])
    expect([await get(name), await get(name, '/releases')]).toEqual(before)
    const seq = await trail()
    await deploy(workflow.workflow_id, { deployment_name: fresh('never'), environment: 'development', dry_run: true })
    expect((await studio.call('GET', `/api/audit?object=${name}&limit=10`)).body.filter((one: { seq: number }) => one.seq > seq)).toEqual(
      [],
    )
    const real = await studio.deploy(workflow.workflow_id, name, { environment: 'development' })
    expect([real.release.digest, real.release.number]).toEqual([body.release.digest, 2])
  })

  it('as a dry run names every problem that it would be refused for', async () => {
    const configuration = { agents: [{ agent_id: 'a' }], connections: [{ source_agent_id: 'a', target_agent_id: 'nowhere' }] }
    const id = await studio.workflow(configuration)
    const { status, body } = await deploy(id, { deployment_name: fresh('wrong'), dry_run: true })
    expect([status, body.valid, body.release, body.diff, body.errors]).toMatchObject([
      200,
      false,
      null,
      null,
      [{ pointer: '/configuration/connections/0/target_agent_id' }],
    ])
    expect((await deploy(await studio.workflow(), { deployment_name: 'no spaces', dry_run: true })).status).toBe(422)
  })

  it('pins what is in flight, or cancels it and says so only when it is cancelled', async () => {
    const name = fresh('inflight')
    const { workflow } = await studio.deployed(name, slow)
    const [first, second] = [await studio.startLong(name), await studio.startLong(name)]
    const pinned = await studio.deploy(workflow.workflow_id, name, { force: true })
    expect(pinned).not.toHaveProperty('cancelled')
    const third = await studio.startLong(name)
    const status = async ({ execution_id }: { execution_id: string }) =>
      (await studio.call('GET', `/api/executions/${execution_id}`)).body.status
    expect(await Promise.all([first, second, third].map(status))).toEqual(['running', 'running', 'running'])
    // The very same that serves: what runs on it goes on.
    expect(await studio.deploy(workflow.workflow_id, name, { in_flight: 'cancel' })).toMatchObject({ unchanged: true, cancelled: 2 })
    expect(await Promise.all([first, second, third].map(status))).toEqual(['cancelled', 'cancelled', 'running'])
    expect(await studio.deploy(workflow.workflow_id, name, { in_flight: 'cancel', force: true })).toMatchObject({ cancelled: 1 })
    expect(await status(third)).toBe('cancelled')
    expect((await get(name)).in_flight).toEqual({ queued: 0, running: 0, waiting: 0 })
  })

  it('of something new cancels nothing of others', async () => {
    const [one, other] = [fresh('one'), fresh('other')]
    const { workflow } = await studio.deployed(one, slow)
    const { execution_id } = await studio.startLong(one)
    expect(await studio.deploy(workflow.workflow_id, other, { in_flight: 'cancel' })).toMatchObject({ cancelled: 0 })
    expect((await studio.call('GET', `/api/executions/${execution_id}`)).body.status).toBe('running')
  })
})

describe.concurrent('a change of the runtime configuration', () => {
  const patch = (name: string, body: object, headers = {}) => studio.call('PATCH', path(name), body, headers)

  it('makes a release with the same definition, and leaves the rest of the configuration as it is', async () => {
    const name = fresh('patched')
    await studio.deployed(name, echo, { runtime_config: { timeout: 60, concurrency: { limit: 2 } } })
    const before = await get(name)
    const { status, body } = await patch(name, { runtime_config: { max_retries: 1 } })
    expect([status, body.release.number, body.runtime_config]).toEqual([
      200,
      2,
      { timeout: 60, max_retries: 1, concurrency: { limit: 2, queue: 100 } },
    ])
    expect(body.release.definition_digest).toBe(before.release.definition_digest)
    expect((await patch(name, { runtime_config: { concurrency: null, timeout: null } })).body).toMatchObject({
      release: { number: 3 },
      runtime_config: { timeout: 300, max_retries: 1 },
    })
    expect((await patch(name, { runtime_config: {} })).body).toMatchObject({ unchanged: true, release: { number: 3 } })
    expect((await studio.execute({ deployment_name: name, query: 'x' })).body.release).toBe(3)
  })

  it('obeys If-Match', async () => {
    const name = fresh('tagged')
    await studio.deployed(name)
    const etag = (await studio.call('GET', path(name))).headers.get('etag')!
    const first = await patch(name, { runtime_config: { timeout: 60 } }, { 'if-match': etag })
    expect(first.status).toBe(200)
    expect(await patch(name, { runtime_config: { timeout: 70 } }, { 'if-match': etag })).toMatchObject({
      status: 412,
      body: { code: 'precondition_failed' },
    })
    expect((await patch(name, { runtime_config: { timeout: 70 } }, { 'if-match': first.headers.get('etag')! })).status).toBe(200)
    expect((await get(name)).runtime_config.timeout).toBe(70)
  })

  it('lets a stopped deployment be stopped', async () => {
    const name = fresh('stopped')
    await studio.deployed(name)
    await studio.call('POST', path(name, '/stop'))
    expect((await patch(name, { runtime_config: { timeout: 60 } })).body).toMatchObject({ status: 'inactive', release: { number: 2 } })
    expect((await studio.execute({ deployment_name: name, query: 'x' })).status).toBe(404)
    expect((await studio.call('POST', path(name, '/reactivate'))).body).toMatchObject({
      release: { number: 2 },
      runtime_config: { timeout: 60 },
    })
  })

  it.each([
    {},
    { runtime_config: { timeout: 0 } },
    { runtime_config: { speed: 1 } },
    { runtime_config: null },
    { runtime_config: {}, note: null },
  ])('refuses what is none: %j', async (body) => {
    const name = fresh('refused')
    await studio.deployed(name)
    expect((await patch(name, body)).status).toBe(422)
    expect((await get(name)).release.number).toBe(1)
  })
})
