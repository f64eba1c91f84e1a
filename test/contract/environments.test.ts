import { describe, expect, it } from 'vitest'
import { agents, echo, fresh, useStudio } from '../support/studio.ts'

const studio = useStudio(() => ({ AGENT_STUDIO_ENVIRONMENTS: 'development,production,archive' }))
const path = (name: string, rest = '') => `/api/workflows/deployments/${name}${rest}`

const stop = (name: string, environment: string) => studio.call('POST', path(name, `/stop?environment=${environment}`))
const executedIn = async (body: object) => {
  const answer = await studio.execute({ query: 'where', ...body })
  return answer.status === 200 ? answer.body.environment : answer.status
}

/** The same name in some environments; in the order given, which is not the order of look-up. */
async function deployedIn(
  environments: string[],
  configuration: unknown = echo,
): Promise<{ name: string; id: string; ids: Map<string, string> }> {
  const [name, id] = [fresh('env'), await studio.workflow(configuration)]
  const ids = new Map<string, string>()
  for (const environment of environments) ids.set(environment, (await studio.deploy(id, name, { environment })).deployment_id)
  return { name, id, ids }
}

it.concurrent('holds one deployment of a name in each environment, each with a record of its own', async () => {
  const { name, ids } = await deployedIn(['production', 'development', 'archive'])
  expect(new Set(ids.values()).size).toBe(3)
  await studio.execute({ deployment_name: name, query: 'x', environment: 'archive' })
  const counts = await Promise.all(
    [...ids.keys()].map(async (environment) => (await studio.call('GET', path(name, `?environment=${environment}`))).body),
  )
  expect(counts.map((one) => [one.environment, one.deployment_id, one.execution_count])).toEqual(
    [...ids].map(([environment, id]) => [environment, id, environment === 'archive' ? 1 : 0]),
  )
})

describe.concurrent('execute by name', () => {
  it('takes the first active one in the order of look-up, not of deployment', async () => {
    const { name } = await deployedIn(['archive', 'production', 'development'])
    expect(await executedIn({ deployment_name: name })).toBe('development')
    await stop(name, 'development')
    expect(await executedIn({ deployment_name: name })).toBe('production')
    await studio.call('DELETE', path(name, '?environment=production'))
    expect(await executedIn({ deployment_name: name })).toBe('archive')
    await stop(name, 'archive')
    expect(await executedIn({ deployment_name: name })).toBe(404)
    await studio.call('POST', path(name, '/reactivate?environment=development'))
    expect(await executedIn({ deployment_name: name })).toBe('development')
  })

  it('looks nowhere else where the body names the environment', async () => {
    const { name } = await deployedIn(['development', 'production'])
    expect(await executedIn({ deployment_name: name, environment: 'production' })).toBe('production')
    await stop(name, 'production')
    expect(await executedIn({ deployment_name: name, environment: 'production' })).toBe(404)
    expect(await executedIn({ deployment_name: name, environment: 'archive' })).toBe(404)
    expect(await executedIn({ deployment_name: name, environment: null })).toBe('development')
  })
})

describe.concurrent('execute by workflow', () => {
  it('takes the most recently deployed active deployment of the first environment that has one', async () => {
    const id = await studio.workflow()
    const [older, newer, production] = [fresh('older'), fresh('newer'), fresh('production')]
    await studio.deploy(id, older, { environment: 'development' })
    await studio.deploy(id, newer, { environment: 'development' })
    await studio.deploy(id, production, { environment: 'production' })
    const run = async () => (await studio.execute({ workflow_id: id, query: 'x' })).body.deployment_name
    expect(await run()).toBe(newer)
    await studio.deploy(id, older, { environment: 'development', force: true })
    expect(await run()).toBe(older)
    await stop(older, 'development')
    expect(await run()).toBe(newer)
    await stop(newer, 'development')
    expect(await run()).toBe(production)
    await stop(production, 'production')
    expect(await studio.execute({ workflow_id: id, query: 'x' })).toMatchObject({ status: 404, body: { code: 'workflow_not_deployed' } })
  })

  it('does not take a deployment that serves another workflow by now', async () => {
    const { name, id } = await deployedIn(['development'])
    const other = await studio.workflow(agents({ agent_id: 'other', config: { model: 'demo/echo' } }))
    await studio.deploy(other, name, { environment: 'development' })
    expect(await executedIn({ workflow_id: id })).toBe(404)
    expect(await executedIn({ workflow_id: other })).toBe('development')
  })

  it('looks only in the environment that the body names', async () => {
    const { id } = await deployedIn(['development', 'production'])
    expect(await executedIn({ workflow_id: id })).toBe('development')
    expect(await executedIn({ workflow_id: id, environment: 'production' })).toBe('production')
    expect(await executedIn({ workflow_id: id, environment: 'archive' })).toBe(404)
  })

  it('with a name as well, takes that name only where it is of that workflow', async () => {
    const { name, id } = await deployedIn(['development'])
    const other = await studio.workflow(agents({ agent_id: 'other', config: { model: 'demo/echo' } }))
    expect(await executedIn({ workflow_id: id, deployment_name: name })).toBe('development')
    expect(await executedIn({ workflow_id: other, deployment_name: name })).toBe(404)
    await studio.deploy(other, name, { environment: 'production' })
    expect(await executedIn({ workflow_id: other, deployment_name: name })).toBe('production')
  })

  it('answers 404 to a workflow that does not exist', async () => {
    for (const workflow_id of ['00000000-0000-4000-8000-000000000000', 'not-a-uuid']) expect(await executedIn({ workflow_id })).toBe(404)
  })
})

describe.concurrent('stop', () => {
  it('stops the first active one, and says which environment it was', async () => {
    const { name, ids } = await deployedIn(['production', 'development'])
    for (const environment of ['development', 'production']) {
      const { status, body } = await studio.call('POST', path(name, '/stop'))
      expect([status, body.environment, body.deployment_id]).toEqual([200, environment, ids.get(environment)])
    }
  })

  it('passes over an inactive one to an active one further on', async () => {
    const { name } = await deployedIn(['development', 'production'])
    const first = await stop(name, 'development')
    expect((await studio.call('POST', path(name, '/stop'))).body.environment).toBe('production')
    // None is active any more: the first inactive one is answered, and left as it is.
    const third = await studio.call('POST', path(name, '/stop'))
    expect([third.status, third.body]).toEqual([200, first.body])
  })

  it('stops what ?environment= or the body names, and nothing else', async () => {
    const { name } = await deployedIn(['development', 'production', 'archive'])
    expect((await stop(name, 'production')).body.environment).toBe('production')
    expect((await studio.call('POST', path(name, '/stop'), { environment: 'archive' })).body.environment).toBe('archive')
    expect((await studio.call('GET', path(name, '?environment=development'))).body.status).toBe('active')
  })
})

describe.concurrent('reactivate', () => {
  it('starts the first inactive one', async () => {
    const { name } = await deployedIn(['development', 'production'])
    await stop(name, 'production')
    expect((await studio.call('POST', path(name, '/reactivate'))).body.environment).toBe('production')
    await stop(name, 'development')
    await stop(name, 'production')
    expect((await studio.call('POST', path(name, '/reactivate'))).body.environment).toBe('development')
    expect((await studio.call('POST', path(name, '/reactivate'), { environment: 'production' })).body.environment).toBe('production')
  })

  it('answers 404 where the environment that is named has no inactive one', async () => {
    const { name } = await deployedIn(['development', 'production'])
    await stop(name, 'production')
    expect((await studio.call('POST', path(name, '/reactivate?environment=development'))).status).toBe(404)
    expect((await studio.call('POST', path(name, '/reactivate?environment=archive'))).status).toBe(404)
  })
})

describe.concurrent('get and delete', () => {
  it('take any deployment, the first in the order of look-up, active or not', async () => {
    const { name } = await deployedIn(['production', 'archive', 'development'])
    await stop(name, 'development')
    for (const environment of ['development', 'production', 'archive']) {
      expect((await studio.call('GET', path(name))).body.environment).toBe(environment)
      expect((await studio.call('DELETE', path(name))).body.environment).toBe(environment)
    }
    expect((await studio.call('DELETE', path(name))).status).toBe(404)
  })

  it('take the one that ?environment= names, and leave the others', async () => {
    const { name } = await deployedIn(['development', 'production'])
    expect((await studio.call('GET', path(name, '?environment=production'))).body.environment).toBe('production')
    expect((await studio.call('DELETE', path(name, '?environment=production'))).body.environment).toBe('production')
    expect((await studio.call('GET', path(name, '?environment=production'))).status).toBe(404)
    expect(await executedIn({ deployment_name: name })).toBe('development')
  })
})

it.concurrent('names, in a 404, the environments that were searched', async () => {
  const { body } = await studio.call('POST', path('nobody', '/stop'))
  for (const environment of ['development', 'production', 'archive']) expect(body.detail).toContain(environment)
  const named = await studio.call('POST', path('nobody', '/stop?environment=archive'))
  expect(named.body.detail).toContain('archive')
  expect(named.body.detail).not.toContain('production')
})

it.concurrent('refuses, wherever one can be named, an environment that is not configured, with its pointer', async () => {
  const { name, id } = await deployedIn(['development'])
  const calls: [string, string, object | undefined, string][] = [
    ['POST', `/api/workflows/${id}/deploy`, { deployment_name: name, environment: 'staging' }, '/environment'],
    ['POST', '/api/workflows/execute', { deployment_name: name, query: 'x', environment: 'staging' }, '/environment'],
    ['POST', '/api/workflows/execute/stream', { deployment_name: name, query: 'x', environment: 'staging' }, '/environment'],
    ['POST', path(name, '/stop'), { environment: 'staging' }, '/environment'],
    ['POST', path(name, '/stop?environment=staging'), undefined, '?environment'],
    ['POST', path(name, '/reactivate'), { environment: 'staging' }, '/environment'],
    ['GET', path(name, '?environment=staging'), undefined, '?environment'],
    ['DELETE', path(name, '?environment=staging'), undefined, '?environment'],
    ['GET', '/api/workflows/deployments?environment=staging', undefined, '?environment'],
  ]
  for (const [method, address, body, pointer] of calls) {
    const answer = await studio.call(method, address, body)
    expect([address, answer.status, answer.body.errors]).toEqual([
      address,
      422,
      [{ pointer, code: 'unknown_environment', message: expect.stringContaining('development') }],
    ])
  }
  expect((await studio.call('GET', path(name))).body.status).toBe('active')
})
