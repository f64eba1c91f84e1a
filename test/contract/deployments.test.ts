import { describe, expect, it } from 'vitest'
import { until } from '../support/api.ts'
import { useScriptedModels } from '../support/scripted-models.ts'
import { agents, fresh, slow, useStudio } from '../support/studio.ts'

const models = useScriptedModels()
const studio = useStudio(models.env)
const path = (name: string, rest = '') => `/api/workflows/deployments/${name}${rest}`
const utc = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/
const sha256 = /^[0-9a-f]{64}$/
const gone = { status: 404, body: { code: 'deployment_not_found' } }

interface Listed {
  deployment_name: string
  environment: string
}

describe('deploying', () => {
  it('answers 200 with the deployment, its release and the warnings', async () => {
    const id = await studio.workflow(undefined, { description: 'Echoes', version: '3.0.0' })
    const workflow = (await studio.call('GET', `/api/workflows/${id}`)).body
    const name = fresh('deploy')
    const { status, body } = await studio.call('POST', `/api/workflows/${id}/deploy`, {
      deployment_name: name,
      environment: 'development',
      deployed_by: 'ann',
      runtime_config: { timeout: 60, max_retries: 1 },
    })
    expect(status).toBe(200)
    expect(body).toEqual({
      deployment_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      deployment_name: name,
      environment: 'development',
      status: 'active',
      deployed_at: expect.stringMatching(utc),
      deployed_by: 'ann',
      runtime_config: { timeout: 60, max_retries: 1 },
      stopped_at: null,
      execution_count: 0,
      error_count: 0,
      last_executed: null,
      last_error: null,
      workflow: { workflow_id: id, name: workflow.name, version: '3.0.0', description: 'Echoes' },
      release: {
        number: 1,
        digest: expect.stringMatching(sha256),
        definition_digest: expect.stringMatching(sha256),
        created_at: expect.stringMatching(utc),
        created_by: 'ann',
      },
      traffic: [{ release: 1, percent: 100 }],
      unchanged: false,
      warnings: [],
    })
  })

  it('goes to production with the default runtime configuration where nothing else is said', async () => {
    const absent = await studio.deployed(fresh('defaults'))
    const nulls = { environment: null, deployed_by: null, runtime_config: null }
    const asNull = await studio.deployed(fresh('defaults'), undefined, nulls)
    for (const deployment of [absent, asNull]) {
      expect(deployment).toMatchObject({ environment: 'production', deployed_by: null, runtime_config: { timeout: 300, max_retries: 3 } })
    }
  })

  it('warns of an agent without a model, of an unregistered agent type and of a provider without its key', async () => {
    const { warnings } = await studio.deployed(
      fresh('warned'),
      agents({ agent_id: 'a', agent_type: 'UnheardOf', config: { model: 'claude-sonnet-4-5' } }),
    )
    expect(warnings).toEqual([
      { code: 'agent_not_registered', pointer: '/configuration/agents/0/agent_type', message: expect.stringContaining('UnheardOf') },
      {
        code: 'model_not_configured',
        pointer: '/configuration/agents/0/config/model',
        message: expect.stringContaining('ANTHROPIC_API_KEY'),
      },
    ])
    const bare = await studio.deployed(fresh('warned'), agents({ agent_id: 'a' }))
    expect(bare.warnings).toMatchObject([{ code: 'default_model', message: expect.stringContaining('demo/assistant') }])
  })

  it('leaves nothing behind where it fails', async () => {
    const id = await studio.workflow({})
    const name = fresh('failed')
    const failed = await studio.call('POST', `/api/workflows/${id}/deploy`, { deployment_name: name })
    expect(failed).toMatchObject({
      status: 422,
      body: { code: 'workflow_invalid', errors: [{ pointer: '/configuration', code: 'nothing_to_run' }] },
    })
    expect(await studio.call('GET', path(name))).toMatchObject(gone)
    expect((await studio.call('GET', `/api/workflows/${id}`)).body).toMatchObject({ is_deployed: false, workflow_deployments: [] })
  })
})

describe('the active deployments', () => {
  it('are all listed, as the deploy answered, and no stopped one is', async () => {
    const id = await studio.workflow()
    const name = fresh('active')
    const { warnings: _w, unchanged: _u, ...development } = await studio.deploy(id, name, { environment: 'development' })
    const { warnings: _v, unchanged: _t, ...production } = await studio.deploy(id, name)
    const { status, body } = await studio.call('GET', '/api/workflows/deployments/active')
    expect(status).toBe(200)
    expect(body.filter((one: Listed) => one.deployment_name === name)).toEqual([development, production])
    await studio.call('POST', path(name, '/stop?environment=production'))
    const left = (await studio.call('GET', '/api/workflows/deployments/active')).body
    expect(left.filter((one: Listed) => one.deployment_name === name)).toEqual([development])
  })

  it('are all in one list, where the list of deployments gives 50 unless a limit is asked', async () => {
    const id = await studio.workflow()
    const many = Array.from({ length: 60 }, () => fresh('many'))
    await Promise.all(many.map((name) => studio.deploy(id, name)))
    const listed = (await studio.call('GET', '/api/workflows/deployments/active')).body.map((one: Listed) => one.deployment_name)
    expect(listed).toEqual(expect.arrayContaining(many))
    expect((await studio.call('GET', '/api/workflows/deployments')).body).toHaveLength(50)
    expect((await studio.call('GET', '/api/workflows/deployments?limit=500')).body.length).toBeGreaterThanOrEqual(60)
  })

  it('hold the example of a new database, which runs without any key', async () => {
    const listed = (await studio.call('GET', '/api/workflows/deployments/active')).body
    expect(listed).toContainEqual(expect.objectContaining({ deployment_name: 'hello', environment: 'development', status: 'active' }))
    expect((await studio.execute({ deployment_name: 'hello', query: 'What can you do?' })).body).toMatchObject({
      status: 'success',
      demo: true,
    })
  })
})

describe('stopping', () => {
  it('answers what was stopped; record and statistics are kept', async () => {
    const name = fresh('stopped')
    const { deployment_id } = await studio.deployed(name)
    await studio.execute({ deployment_name: name, query: 'one' })
    const before = (await studio.call('GET', path(name))).body
    const { status, body } = await studio.call('POST', path(name, '/stop'))
    expect(status).toBe(200)
    expect(body).toMatchObject({
      message: `Deployment '${name}' stopped successfully`,
      deployment_id,
      environment: 'production',
      status: 'inactive',
      stopped_at: expect.stringMatching(utc),
    })
    expect((await studio.call('GET', path(name))).body).toEqual({ ...before, status: 'inactive', stopped_at: body.stopped_at })
    expect((await studio.execute({ deployment_name: name, query: 'two' })).body).toMatchObject({ status: 404, code: 'deployment_inactive' })
    expect((await studio.call('GET', path(name))).body.execution_count).toBe(1)
  })

  it('leaves a stopped one as it is', async () => {
    const name = fresh('twice')
    await studio.deployed(name)
    const first = await studio.call('POST', path(name, '/stop'))
    const second = await studio.call('POST', path(name, '/stop'))
    expect([second.status, second.body]).toEqual([200, first.body])
  })

  it('lets executions in flight end, and says how many there are', async () => {
    const name = fresh('drain')
    const held = models.held()
    await studio.deployed(name, agents({ agent_id: 'a', config: { model: held.model } }))
    const answer = studio.execute({ deployment_name: name, query: 'x' })
    await until(async () => (await studio.call('GET', path(name))).body.in_flight.running === 1, 'the execution runs')
    const stopped = await studio.call('POST', path(name, '/stop'))
    expect(stopped.body.in_flight).toEqual({ queued: 0, running: 1, waiting: 0 })
    held.answer('ended')
    expect(await answer).toMatchObject({ status: 200, body: { status: 'success', response: 'ended' } })
    expect((await studio.call('GET', path(name))).body).toMatchObject({ status: 'inactive', execution_count: 1, in_flight: { running: 0 } })
  })

  it('takes an empty body of any type, and null for the environment', async () => {
    for (const headers of [{}, { 'content-type': 'text/plain' }, { 'content-type': 'application/json' }, { 'content-type': 'nonsense' }]) {
      const name = fresh('empty')
      await studio.deployed(name)
      const response = await fetch(studio.url + path(name, '/stop'), { method: 'POST', headers })
      expect([headers, response.status]).toEqual([headers, 200])
    }
    const name = fresh('null')
    await studio.deployed(name)
    expect((await studio.call('POST', path(name, '/stop'), { environment: null })).status).toBe(200)
  })
})

describe('reactivating', () => {
  it('lets what was stopped serve again: the same release, id and statistics', async () => {
    const name = fresh('back')
    await studio.deployed(name)
    await studio.execute({ deployment_name: name, query: 'one' })
    const before = (await studio.call('GET', path(name))).body
    await studio.call('POST', path(name, '/stop'))
    const { status, body } = await studio.call('POST', path(name, '/reactivate'))
    expect(status).toBe(200)
    // Those alone tell how it stands at this moment.
    const { in_flight: _, hold: __, ...record } = before
    expect(body).toMatchObject(record)
    expect((await studio.call('GET', path(name))).body).toEqual(before)
    expect((await studio.execute({ deployment_name: name, query: 'two' })).body).toMatchObject({ response: 'two', release: 1 })
  })

  it('finds nothing to do where the deployment is active, or is not there', async () => {
    const name = fresh('active')
    await studio.deployed(name)
    expect(await studio.call('POST', path(name, '/reactivate'))).toMatchObject({ status: 404, body: { code: 'deployment_not_inactive' } })
    expect(await studio.call('POST', path(fresh('nobody'), '/reactivate'))).toMatchObject(gone)
  })
})

describe('deleting', () => {
  it('answers what was deleted, and everything of it is 404 at once', async () => {
    const name = fresh('deleted')
    const { deployment_id, workflow } = await studio.deployed(name)
    const { execution_id } = (await studio.execute({ deployment_name: name, query: 'x' })).body
    const { status, body } = await studio.call('DELETE', path(name))
    expect(status).toBe(200)
    expect(body).toEqual({ message: `Deployment '${name}' deleted successfully`, deployment_id, environment: 'production' })

    const calls: [string, string][] = [
      ['GET', path(name)],
      ['DELETE', path(name)],
      ['POST', path(name, '/stop')],
      ['POST', path(name, '/reactivate')],
      ['GET', `/api/executions/${execution_id}`],
      ['GET', `/api/executions/${execution_id}/steps`],
      ['GET', `/api/executions/${execution_id}/events`],
    ]
    for (const [method, address] of calls) expect([address, (await studio.call(method, address)).status]).toEqual([address, 404])
    expect((await studio.execute({ deployment_name: name, query: 'x' })).status).toBe(404)
    expect((await studio.execute({ workflow_id: workflow.workflow_id, query: 'x' })).status).toBe(404)
    for (const list of ['active', `?q=${name}`]) {
      const listed = (await studio.call('GET', list === 'active' ? path(list) : `/api/workflows/deployments${list}`)).body
      expect(listed.filter((one: Listed) => one.deployment_name === name)).toEqual([])
    }
    for (const filter of [`deployment_name=${name}`, `workflow_id=${workflow.workflow_id}`]) {
      expect((await studio.call('GET', `/api/executions?${filter}`)).body).toEqual([])
    }
    expect((await studio.call('GET', `/api/workflows/${workflow.workflow_id}`)).body.workflow_deployments).toEqual([])
  })

  it('frees the name: used again it gets a new id, release 1 and statistics of its own', async () => {
    const name = fresh('reused')
    const first = await studio.deployed(name, undefined, { runtime_config: { timeout: 7 } })
    await studio.deploy(first.workflow.workflow_id, name, { force: true })
    await studio.execute({ deployment_name: name, query: 'x' })
    await studio.call('DELETE', path(name))
    const second = await studio.deploy(first.workflow.workflow_id, name)
    expect(second).toMatchObject({ release: { number: 1 }, execution_count: 0, runtime_config: { timeout: 300, max_retries: 3 } })
    expect(second.deployment_id).not.toBe(first.deployment_id)
    expect((await studio.call('GET', `/api/executions?deployment_name=${name}`)).body).toEqual([])
    expect((await studio.execute({ deployment_name: name, query: 'new' })).body).toMatchObject({
      deployment_id: second.deployment_id,
      response: 'new',
    })
  })

  it('takes a stopped one, too', async () => {
    const name = fresh('stopped')
    await studio.deployed(name)
    await studio.call('POST', path(name, '/stop'))
    expect((await studio.call('DELETE', path(name))).status).toBe(200)
    expect(await studio.call('GET', path(name))).toMatchObject(gone)
  })

  it('cancels what is in flight: its stream ends with an error, its caller gets one, and its history is gone', async () => {
    const name = fresh('cut')
    await studio.deployed(name, slow)
    const waiting = studio.execute({ deployment_name: name, query: 'wait' })
    const { execution_id, events } = await studio.startLong(name)
    await until(async () => (await studio.call('GET', path(name))).body.in_flight.running === 2, 'both run')
    expect((await studio.call('DELETE', path(name))).status).toBe(200)
    expect((await studio.call('GET', `/api/executions/${execution_id}`)).status).toBe(404)

    const { status, body } = await waiting
    expect([status, body.code, body.execution_id]).toEqual([409, 'execution_cancelled', expect.any(String)])
    expect((await studio.call('GET', `/api/executions/${body.execution_id}`)).status).toBe(404)
    const all = await events
    expect(all.at(-1)!.data).toMatchObject({ type: 'status', status: 'error', code: 'execution_cancelled' })
    expect(all.map((one) => one.id)).toEqual(all.map((_, index) => index + 1))
  })
})

describe('looking at deployments', () => {
  it('shows any deployment with its executions in flight', async () => {
    const name = fresh('flight')
    await studio.deployed(name, slow)
    expect((await studio.call('GET', path(name))).body.in_flight).toEqual({ queued: 0, running: 0, waiting: 0 })
    await studio.startLong(name)
    expect((await studio.call('GET', path(name))).body.in_flight).toEqual({ queued: 0, running: 1, waiting: 0 })
    await studio.call('DELETE', path(name))
  })

  it('lists by environment, status and a part of the name, in capitals or not', async () => {
    const id = await studio.workflow()
    const part = fresh('Part')
    await studio.deploy(id, `${part}-one`, { environment: 'development' })
    await studio.deploy(id, `${part}-one`)
    await studio.deploy(id, `${part}-two`)
    await studio.call('POST', path(`${part}-two`, '/stop'))
    const list = async (query: string) => {
      const { body } = await studio.call('GET', `/api/workflows/deployments?q=${part.toLowerCase()}${query}`)
      return body.map((one: Listed) => [one.deployment_name.slice(part.length + 1), one.environment])
    }
    const [oneDevelopment, oneProduction, twoProduction] = [
      ['one', 'development'],
      ['one', 'production'],
      ['two', 'production'],
    ]
    expect(await list('')).toEqual([oneDevelopment, oneProduction, twoProduction])
    expect(await list('&environment=production')).toEqual([oneProduction, twoProduction])
    expect(await list('&status=active')).toEqual([oneDevelopment, oneProduction])
    expect(await list('&status=inactive&environment=production')).toEqual([twoProduction])
    expect(await list('&status=inactive&environment=development')).toEqual([])
  })

  it('takes the characters of q as they are', async () => {
    await studio.deployed(fresh('under_score'))
    expect((await studio.call('GET', '/api/workflows/deployments?q=under_s')).body).toHaveLength(1)
    expect((await studio.call('GET', '/api/workflows/deployments?q=un_er')).body).toEqual([])
    expect((await studio.call('GET', '/api/workflows/deployments?q=%25')).body).toEqual([])
  })

  it('gives pages whose Link header leads through all of them once', async () => {
    const id = await studio.workflow()
    const part = fresh('paged')
    for (const name of [`${part}-a`, `${part}-b`, `${part}-c`]) await studio.deploy(id, name)
    await studio.deploy(id, `${part}-b`, { environment: 'development' })
    const pages: string[][] = []
    let next: string | undefined = `/api/workflows/deployments?limit=2&q=${part}`
    while (next) {
      const { status, body, headers } = await studio.call('GET', next)
      expect(status).toBe(200)
      pages.push(body.map((one: Listed) => `${one.deployment_name.slice(part.length + 1)} ${one.environment}`))
      const link: string | undefined = /^<([^>]+)>; rel="?next"?$/.exec(headers.get('link') ?? '')?.[1]
      next = link && new URL(link, studio.url).href.slice(studio.url.length)
    }
    expect(pages).toEqual([
      ['a production', 'b development'],
      ['b production', 'c production'],
    ])
  })

  it('refuses a limit beyond 500, a cursor that it did not give, and a filter that is none', async () => {
    for (const query of [
      'limit=501',
      'limit=0',
      'limit=ten',
      'cursor=nonsense',
      'cursor=bnVsbA',
      'status=stopped',
      'environment=nowhere',
    ]) {
      const { status, body } = await studio.call('GET', `/api/workflows/deployments?${query}`)
      expect([query, status, body.errors?.[0].pointer]).toEqual([query, 422, `?${query.split('=')[0]}`])
    }
  })
})

it('keeps over a crash what it has answered: active serves, stopped is stopped, deleted is gone, counters are kept', async () => {
  const id = await studio.workflow()
  const part = fresh('crash')
  const [serving, stopped, deleted] = [`${part}-serving`, `${part}-stopped`, `${part}-deleted`]
  const ids: string[] = []
  for (const name of [serving, stopped, deleted]) {
    await studio.deploy(id, name)
    ids.push((await studio.execute({ deployment_name: name, query: 'x' })).body.execution_id)
  }
  await studio.call('POST', path(stopped, '/stop'))
  await studio.call('DELETE', path(deleted))
  const list = async () => (await studio.call('GET', `/api/workflows/deployments?q=${part}`)).body
  const before = await list()
  await studio.crash()

  expect(before.map((one: Listed & { execution_count: number }) => [one.deployment_name, one.execution_count])).toEqual([
    [serving, 1],
    [stopped, 1],
  ])
  expect(await list()).toEqual(before)
  const run = (deployment_name: string) => studio.execute({ deployment_name, query: 'x' })
  expect((await run(serving)).status).toBe(200)
  expect(await run(stopped)).toMatchObject({ status: 404, body: { code: 'deployment_inactive' } })
  expect(await run(deleted)).toMatchObject(gone)
  const found = await Promise.all(ids.map(async (one) => (await studio.call('GET', `/api/executions/${one}`)).status))
  expect(found).toEqual([200, 200, 404])
  expect((await studio.call('POST', path(stopped, '/reactivate'))).status).toBe(200)
  expect((await run(stopped)).status).toBe(200)
})
