import { describe, expect, it } from 'vitest'
import { agents, echo, fresh, useStudio } from '../support/studio.ts'

const studio = useStudio()
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const utc = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/
const unknownId = '00000000-0000-4000-8000-000000000000'

const get = async (id: string) => (await studio.call('GET', `/api/workflows/${id}`)).body

describe('creating a workflow', () => {
  it('answers 200 with the workflow, every field of it', async () => {
    const sent = {
      name: fresh('everything'),
      description: 'Has all fields',
      version: '2.1.0',
      configuration: echo,
      tags: ['a', 'b'],
      created_by: 'ann',
      is_active: false,
      is_editable: true,
    }
    const { status, headers, body } = await studio.call('POST', '/api/workflows', sent)
    expect(status).toBe(200)
    expect(headers.get('content-type')).toMatch(/^application\/json/)
    expect(body).toEqual({
      ...sent,
      workflow_id: expect.stringMatching(uuid),
      is_deployed: false,
      deployed_at: null,
      created_at: expect.stringMatching(utc),
      updated_at: expect.stringMatching(utc),
      workflow_agents: [expect.objectContaining({ node_id: 'echo' })],
      workflow_connections: [],
      workflow_deployments: [],
    })
    expect(await get(body.workflow_id)).toEqual(body)
    expect(await get(body.workflow_id.toUpperCase())).toEqual(body)
  })

  it('fills in version 1.0.0, active and editable where they are not sent', async () => {
    const { body } = await studio.call('POST', '/api/workflows', { name: fresh('bare'), configuration: {} })
    expect(body).toMatchObject({ version: '1.0.0', is_active: true, is_editable: true, description: null, tags: null, created_by: null })
  })

  it('takes null in an optional field as absent', async () => {
    const nulls = { description: null, version: null, tags: null, created_by: null, is_active: null, is_editable: null }
    const { status, body } = await studio.call('POST', '/api/workflows', { name: fresh('nulls'), configuration: {}, ...nulls })
    expect(status).toBe(200)
    expect(body).toMatchObject({ version: '1.0.0', is_active: true, is_editable: true })
  })

  it('answers 409 to the same name and version twice, and takes another version of the name', async () => {
    const name = fresh('twice')
    const first = await studio.call('POST', '/api/workflows', { name, configuration: {} })
    const second = await studio.call('POST', '/api/workflows', { name, version: '1.0.0', configuration: echo })
    expect(second).toMatchObject({ status: 409, body: { code: 'workflow_exists', workflow_id: first.body.workflow_id } })
    expect((await studio.call('POST', '/api/workflows', { name, version: '1.0.1', configuration: {} })).status).toBe(200)
    expect(await get(first.body.workflow_id)).toEqual(first.body)
  })

  it('keeps whatever the configuration holds exactly as it came', async () => {
    const configuration = {
      agents: [{ agent_id: 'a', config: { model: 'demo/echo', empty: null, 'a\nb': [1, { deep: null }] }, canvas: { zoom: 1.5 } }],
      connections: [],
      metadata: { workflow_type: 'single_agent', nothing: null, ünïcode: '🦄 漢字' },
      studio: { colour: '#fff', constructor: 1, hasOwnProperty: false },
      '': 'an empty key',
      'a\nkey\u2028 of lines': true,
    }
    const id = await studio.workflow(configuration)
    expect((await get(id)).configuration).toEqual(configuration)
  })

  it('keeps a key named __proto__ in the configuration', async () => {
    const text = `{"name": "${fresh('proto')}", "configuration": {"metadata": {"__proto__": {"polluted": true}}}}`
    const response = await fetch(`${studio.url}/api/workflows`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: text,
    })
    expect(response.status).toBe(200)
    expect(await response.text()).toContain('"metadata":{"__proto__":{"polluted":true}}')
  })

  it('saves a workflow that is not finished', async () => {
    for (const configuration of [{}, { agents: 'later' }, { agents: [null, {}, 7] }, { connections: [{ source_agent_id: 'nobody' }] }]) {
      const id = await studio.workflow(configuration)
      expect((await get(id)).configuration).toEqual(configuration)
    }
  })

  it('shows every field text as it was sent, control characters included', async () => {
    const name = `${fresh('odd')} \u0001 \t "quoted" \\ é 🦄`
    const { body } = await studio.call('POST', '/api/workflows', { name, configuration: {}, created_by: "o'brien; drop table" })
    expect(await get(body.workflow_id)).toMatchObject({ name, created_by: "o'brien; drop table" })
  })
})

describe('listing workflows', () => {
  it('gives an array in the order of creation, a part of it by skip and limit', async () => {
    const ids = [await studio.workflow(), await studio.workflow(), await studio.workflow()]
    const all = await studio.call('GET', '/api/workflows?limit=1000')
    expect(all.status).toBe(200)
    expect(all.body.slice(-3).map((one: { workflow_id: string }) => one.workflow_id)).toEqual(ids)
    const part = await studio.call('GET', `/api/workflows?skip=${all.body.length - 2}&limit=1`)
    expect(part.body).toEqual([all.body.at(-2)])
    expect((await studio.call('GET', '/api/workflows?skip=100000')).body).toEqual([])
  })

  it('gives at most 100 where no limit is asked', async () => {
    await Promise.all(Array.from({ length: 101 }, () => studio.workflow({})))
    expect((await studio.call('GET', '/api/workflows')).body).toHaveLength(100)
  })

  it('shows the same as the workflow itself', async () => {
    const id = await studio.workflow()
    await studio.deploy(id, fresh('listed'))
    const all = (await studio.call('GET', '/api/workflows?limit=1000')).body
    expect(all.find((one: { workflow_id: string }) => one.workflow_id === id)).toEqual(await get(id))
  })

  it('filters by is_active and is_deployed, in the spellings of Python and of JSON', async () => {
    const inactive = await studio.workflow(echo, { is_active: false })
    const deployed = await studio.workflow()
    const name = fresh('filter')
    await studio.deploy(deployed, name)
    const ids = async (query: string) =>
      (await studio.call('GET', `/api/workflows?limit=1000&${query}`)).body.map((one: { workflow_id: string }) => one.workflow_id)
    expect(await ids('is_active=False')).toContain(inactive)
    expect(await ids('is_active=true')).not.toContain(inactive)
    expect(await ids('is_deployed=True')).toContain(deployed)
    expect(await ids('is_deployed=true')).not.toContain(inactive)
    expect(await ids('is_deployed=false')).not.toContain(deployed)
    await studio.call('POST', `/api/workflows/deployments/${name}/stop`)
    expect(await ids('is_deployed=true')).not.toContain(deployed)
  })
})

describe('changing a workflow', () => {
  it('changes only the fields sent', async () => {
    const id = await studio.workflow(echo, { description: 'before', tags: ['kept'], created_by: 'ann' })
    const before = await get(id)
    const { status, body } = await studio.call('PUT', `/api/workflows/${id}`, { description: 'after', tags: null })
    expect(status).toBe(200)
    expect(body).toEqual({ ...before, description: 'after', updated_at: body.updated_at })
    expect(Date.parse(body.updated_at)).toBeGreaterThanOrEqual(Date.parse(before.updated_at))
    expect(await get(id)).toEqual(body)
  })

  it('replaces the configuration as a whole', async () => {
    const id = await studio.workflow({ ...echo, metadata: { old: true } })
    await studio.call('PUT', `/api/workflows/${id}`, { configuration: agents({ agent_id: 'other' }) })
    const { configuration, workflow_agents } = await get(id)
    expect(configuration).toEqual(agents({ agent_id: 'other' }))
    expect(workflow_agents.map((one: { node_id: string }) => one.node_id)).toEqual(['other'])
  })

  it('answers 409 where the new name and version are those of another, and changes nothing', async () => {
    const [first, second] = [await studio.workflow(), await studio.workflow()]
    const before = await get(second)
    const answer = await studio.call('PUT', `/api/workflows/${second}`, { name: (await get(first)).name, description: 'lost' })
    expect(answer).toMatchObject({ status: 409, body: { code: 'workflow_exists' } })
    expect(await get(second)).toEqual(before)
    expect((await studio.call('PUT', `/api/workflows/${second}`, { name: before.name })).status).toBe(200)
  })

  it('refuses every change of a locked workflow until a PUT unlocks it', async () => {
    const id = await studio.workflow(echo, { is_editable: false })
    const before = await get(id)
    const locked = { status: 409, body: { code: 'workflow_not_editable' } }
    expect(await studio.call('PUT', `/api/workflows/${id}`, { description: 'no' })).toMatchObject(locked)
    expect(await studio.call('PUT', `/api/workflows/${id}`, { is_editable: false })).toMatchObject(locked)
    expect(await studio.call('POST', `/api/workflows/${id}/agents`, { agent_id: 'WebAgent', node_id: 'web' })).toMatchObject(locked)
    const connection = { source_agent_id: 'echo', target_agent_id: 'web' }
    expect(await studio.call('POST', `/api/workflows/${id}/connections`, connection)).toMatchObject(locked)
    expect(await get(id)).toEqual(before)
    const unlocked = await studio.call('PUT', `/api/workflows/${id}`, { is_editable: true, description: 'yes' })
    expect(unlocked).toMatchObject({ status: 200, body: { is_editable: true, description: 'yes' } })
  })

  it('leaves what is deployed as it is until the next deploy', async () => {
    const name = fresh('snapshot')
    const { workflow } = await studio.deployed(name)
    await studio.call('PUT', `/api/workflows/${workflow.workflow_id}`, {
      name: fresh('renamed'),
      configuration: agents({ agent_id: 'a', config: { model: 'demo/assistant' } }),
    })
    const answer = await studio.execute({ deployment_name: name, query: 'as deployed' })
    expect(answer.body.response).toBe('as deployed')
    expect((await studio.call('GET', `/api/workflows/deployments/${name}`)).body.workflow).toEqual(workflow)
  })
})

describe('deleting a workflow', () => {
  it('answers with its id, and the workflow is gone', async () => {
    const id = await studio.workflow()
    const { status, body } = await studio.call('DELETE', `/api/workflows/${id}`)
    expect([status, body]).toEqual([200, { message: 'Workflow deleted successfully', workflow_id: id }])
    const gone = { status: 404, body: { code: 'workflow_not_found' } }
    expect(await studio.call('GET', `/api/workflows/${id}`)).toMatchObject(gone)
    expect(await studio.call('DELETE', `/api/workflows/${id}`)).toMatchObject(gone)
    expect(await studio.call('POST', `/api/workflows/${id}/deploy`, { deployment_name: fresh('gone') })).toMatchObject(gone)
  })

  it('frees its name and version', async () => {
    const name = fresh('freed')
    const first = await studio.workflow({}, { name })
    await studio.call('DELETE', `/api/workflows/${first}`)
    expect(await studio.workflow({}, { name })).not.toBe(first)
  })

  it('answers 409 that names the active deployments, and deletes nothing', async () => {
    const id = await studio.workflow()
    const names = [fresh('serving'), fresh('serving')]
    await studio.deploy(id, names[0]!, { environment: 'development' })
    await studio.deploy(id, names[1]!)
    const { status, body } = await studio.call('DELETE', `/api/workflows/${id}`)
    expect([status, body.code]).toEqual([409, 'workflow_deployed'])
    for (const name of names) expect(body.detail).toContain(name)
    expect((await studio.call('GET', `/api/workflows/${id}`)).status).toBe(200)
    expect((await studio.execute({ deployment_name: names[0], query: 'still' })).body.response).toBe('still')
  })

  it('leaves its inactive deployments usable', async () => {
    const name = fresh('outlives')
    const { workflow, deployment_id } = await studio.deployed(name)
    await studio.call('POST', `/api/workflows/deployments/${name}/stop`)
    expect((await studio.call('DELETE', `/api/workflows/${workflow.workflow_id}`)).status).toBe(200)
    expect((await studio.call('GET', `/api/workflows/deployments/${name}`)).body).toMatchObject({ deployment_id, workflow })
    expect((await studio.call('POST', `/api/workflows/deployments/${name}/reactivate`)).status).toBe(200)
    expect((await studio.execute({ deployment_name: name, query: 'alive' })).body).toMatchObject({ status: 'success', response: 'alive' })
  })
})

describe('adding agents and connections', () => {
  it('adds a registered agent, named by its id or its name, to the configuration', async () => {
    const id = await studio.workflow({ metadata: { kept: true } })
    const web = (await studio.call('GET', '/api/agents/name/WebAgent')).body
    const added = await studio.call('POST', `/api/workflows/${id}/agents`, {
      agent_id: web.agent_id,
      node_id: 'web',
      position_x: 10.5,
      position_y: -20,
      agent_config: { model: 'demo/echo', odd: null },
      workflow_id: id,
    })
    expect(added.status).toBe(200)
    expect(added.body).toEqual({
      workflow_id: id,
      agent_id: web.agent_id,
      node_id: 'web',
      position_x: 10.5,
      position_y: -20,
      agent_config: { model: 'demo/echo', odd: null },
      agent: { agent_id: web.agent_id, name: 'WebAgent', agent_type: web.agent_type },
    })
    expect((await studio.call('POST', `/api/workflows/${id}/agents`, { agent_id: 'DataAgent', node_id: 'data' })).status).toBe(200)
    const { configuration, workflow_agents } = await get(id)
    expect(workflow_agents[0]).toEqual(added.body)
    expect(configuration).toMatchObject({
      metadata: { kept: true },
      agents: [
        { agent_id: 'web', agent_type: 'WebAgent', position: { x: 10.5, y: -20 }, config: { model: 'demo/echo', odd: null } },
        { agent_id: 'data', agent_type: 'DataAgent' },
      ],
    })
  })

  it('answers 404 to an agent that is not registered, and 409 to a node id twice', async () => {
    const id = await studio.workflow()
    const add = (agent_id: string, node_id: string) => studio.call('POST', `/api/workflows/${id}/agents`, { agent_id, node_id })
    expect(await add('NobodyAgent', 'nobody')).toMatchObject({ status: 404, body: { code: 'agent_not_found' } })
    expect(await add('WebAgent', 'echo')).toMatchObject({ status: 409, body: { code: 'node_exists' } })
    expect((await get(id)).configuration).toEqual(echo)
  })

  it('adds a connection with all its fields to the configuration, and keeps its conditions', async () => {
    const id = await studio.workflow()
    const sent = {
      source_agent_id: 'echo',
      target_agent_id: 'later',
      connection_type: 'conditional',
      conditions: { expression: 'true', extra: { nothing: null } },
      priority: 3,
      source_handle: 'out',
      target_handle: 'in',
    }
    const added = await studio.call('POST', `/api/workflows/${id}/connections`, { ...sent, workflow_id: id })
    expect(added.status).toBe(200)
    expect(added.body).toEqual({ workflow_id: id, ...sent })
    const { configuration, workflow_connections } = await get(id)
    expect(configuration.connections).toEqual([sent])
    expect(workflow_connections).toEqual([added.body])
  })

  it('makes a connection of type default where none is named', async () => {
    const id = await studio.workflow()
    const sent = { source_agent_id: 'echo', target_agent_id: 'b', connection_type: null, conditions: null, priority: null }
    const { body } = await studio.call('POST', `/api/workflows/${id}/connections`, sent)
    expect(body).toMatchObject({ connection_type: 'default', conditions: null })
    expect((await get(id)).configuration.connections).toMatchObject([{ connection_type: 'default' }])
  })

  it('refuses a body that names another workflow than the address', async () => {
    const [id, other] = [await studio.workflow(), await studio.workflow()]
    const agent = await studio.call('POST', `/api/workflows/${id}/agents`, { agent_id: 'WebAgent', node_id: 'web', workflow_id: other })
    const ends = { source_agent_id: 'a', target_agent_id: 'b', workflow_id: other }
    const connection = await studio.call('POST', `/api/workflows/${id}/connections`, ends)
    for (const answer of [agent, connection]) {
      expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_input', errors: [{ pointer: '/workflow_id' }] } })
    }
  })

  it('builds, piece by piece, a workflow that can be deployed and run', async () => {
    const id = await studio.workflow({})
    const web = (await studio.call('GET', '/api/agents/name/WebAgent')).body
    const model = (name: string) => ({ agent_config: { model: name } })
    await studio.call('POST', `/api/workflows/${id}/agents`, { agent_id: 'CommandAgent', node_id: 'lead', ...model('demo/assistant') })
    await studio.call('POST', `/api/workflows/${id}/agents`, { agent_id: web.agent_id, node_id: 'helper', ...model('demo/echo') })
    // The end may be the id of a registered agent that exactly one node uses.
    await studio.call('POST', `/api/workflows/${id}/connections`, { source_agent_id: 'lead', target_agent_id: web.agent_id })
    const name = fresh('built')
    await studio.deploy(id, name)
    const { body } = await studio.execute({ deployment_name: name, query: 'ask the helper' })
    expect(body.response).toContain('Tool helper answered')
  })

  it('adds all of what is added at the same time', async () => {
    const id = await studio.workflow({})
    const additions = Array.from({ length: 12 }, (_, index) => [
      studio.call('POST', `/api/workflows/${id}/agents`, { agent_id: 'WebAgent', node_id: `node-${index}` }),
      studio.call('POST', `/api/workflows/${id}/connections`, { source_agent_id: 'node-0', target_agent_id: `node-${index}` }),
    ]).flat()
    expect((await Promise.all(additions)).map((one) => one.status)).toEqual(Array(24).fill(200))
    const { workflow_agents, workflow_connections } = await get(id)
    expect(new Set(workflow_agents.map((one: { node_id: string }) => one.node_id)).size).toBe(12)
    expect(workflow_connections).toHaveLength(12)
  })
})

it('shows each agent of a workflow as an object with name and agent_type, registered or not', async () => {
  const id = await studio.workflow(
    agents({ agent_id: 'a', agent_type: 'WebAgent' }, { agent_id: 'b', agent_type: 'Unheard' }, { agent_id: 'c' }),
  )
  const { workflow_agents } = await get(id)
  expect(workflow_agents.map((one: { agent: { name: string } }) => one.agent.name)).toEqual(['WebAgent', 'Unheard', 'c'])
  for (const { agent } of workflow_agents) expect(agent).toMatchObject({ name: expect.any(String), agent_type: expect.any(String) })
})

it('says of a workflow where it is deployed, and since when', async () => {
  const id = await studio.workflow()
  const name = fresh('where')
  const deployment = await studio.deploy(id, name, { environment: 'development' })
  const serving = await get(id)
  expect(serving).toMatchObject({ is_deployed: true, deployed_at: deployment.deployed_at })
  expect(serving.workflow_deployments).toMatchObject([
    { deployment_id: deployment.deployment_id, status: 'active', environment: 'development' },
  ])
  await studio.call('POST', `/api/workflows/deployments/${name}/stop`)
  expect(await get(id)).toMatchObject({ is_deployed: false, workflow_deployments: [{ deployment_name: name, status: 'inactive' }] })
})

it('answers 404 to every call on a workflow that does not exist, and to an id that is none', async () => {
  const calls: [string, string, object?][] = [
    ['GET', ''],
    ['PUT', '', { description: 'x' }],
    ['DELETE', ''],
    ['POST', '/agents', { agent_id: 'WebAgent', node_id: 'n' }],
    ['POST', '/connections', { source_agent_id: 'a', target_agent_id: 'b' }],
    ['POST', '/deploy', { deployment_name: fresh('nothing') }],
    ['POST', '/validate'],
  ]
  for (const id of [unknownId, 'not-a-uuid', '123', `${unknownId}0`]) {
    for (const [method, path, body] of calls) {
      const answer = await studio.call(method, `/api/workflows/${id}${path}`, body)
      expect([method, path, answer.status, answer.body.code]).toEqual([method, path, 404, 'workflow_not_found'])
    }
  }
})

describe('validating a workflow', () => {
  const validate = async (configuration: unknown) =>
    (await studio.call('POST', `/api/workflows/${await studio.workflow(configuration)}/validate`)).body

  it.concurrent('says of a good workflow that it is valid', async () => {
    expect(await validate(echo)).toEqual({ valid: true, errors: [], warnings: [] })
  })

  const node = (agent_id: string) => ({ agent_id, config: { model: 'demo/echo' } })
  const step = (step_id: string, step_type: string, config: object = {}, ...dependencies: string[]) => ({
    step_id,
    step_type,
    config,
    dependencies,
  })
  const steps = (...list: object[]) => ({ steps: list })
  const connect = (source_agent_id: string, target_agent_id: string) => ({ source_agent_id, target_agent_id })
  const graph = (ids: string[], ...connections: object[]) => ({ agents: ids.map(node), connections })

  const bad: [string, unknown, [string, string][]][] = [
    ['nothing to run', {}, [['/configuration', 'nothing_to_run']]],
    ['an empty list of agents', { agents: [] }, [['/configuration', 'nothing_to_run']]],
    ['agents that are no list', { agents: 'x' }, [['/configuration/agents', 'wrong_type']]],
    ['an agent that is no object', { agents: ['x'] }, [['/configuration/agents/0', 'wrong_type']]],
    ['an agent without an id', { agents: [{ agent_id: '' }] }, [['/configuration/agents/0/agent_id', 'required']]],
    ['a connection to nothing', graph(['a'], connect('a', 'b')), [['/configuration/connections/0/target_agent_id', 'unknown_node']]],
    ['a connection from nothing', graph(['a'], connect('b', 'a')), [['/configuration/connections/0/source_agent_id', 'unknown_node']]],
    [
      'a connection without ends',
      graph(['a'], {}),
      [
        ['/configuration/connections/0/source_agent_id', 'required'],
        ['/configuration/connections/0/target_agent_id', 'required'],
      ],
    ],
    ['two nodes of one id', graph(['a', 'a']), [['/configuration/agents/1/agent_id', 'duplicate_node_id']]],
    [
      'a cycle',
      graph(['a', 'b', 'c'], connect('a', 'b'), connect('b', 'c'), connect('c', 'b')),
      [['/configuration/connections/2', 'cycle']],
    ],
    ['an agent connected to itself', graph(['a'], connect('a', 'a')), [['/configuration/connections/0', 'cycle']]],
    ['several agents that lead', graph(['a', 'b', 'c'], connect('a', 'c')), [['/configuration/agents/1', 'several_leads']]],
    [
      'a setting out of its range',
      agents({ agent_id: 'a', config: { model: 'demo/echo', temperature: 5, max_retries: 1.5 } }),
      [
        ['/configuration/agents/0/config/temperature', 'invalid_setting'],
        ['/configuration/agents/0/config/max_retries', 'invalid_setting'],
      ],
    ],
    [
      'a model that nobody knows',
      agents({ agent_id: 'a', config: { model: 'nobody/model' } }),
      [['/configuration/agents/0/config/model', 'unknown_model']],
    ],
    ['a step of no kind', steps(step('s', 'teleport')), [['/configuration/steps/0/step_type', 'unknown_step_type']]],
    ['a step without what its kind needs', steps(step('s', 'http')), [['/configuration/steps/0/config/url', 'required']]],
    [
      'a connection of no type',
      graph(['a', 'b'], { ...connect('a', 'b'), connection_type: 'telepathic' }),
      [['/configuration/connections/0/connection_type', 'unknown_connection_type']],
    ],
    [
      'a conditional connection without a condition',
      graph(['a', 'b'], { ...connect('a', 'b'), connection_type: 'conditional' }),
      [['/configuration/connections/0/conditions/expression', 'required']],
    ],
    [
      'a delay without its length',
      graph(['a', 'b'], { ...connect('a', 'b'), connection_type: 'delay' }),
      [['/configuration/connections/0/conditions/seconds', 'required']],
    ],
    [
      'a handoff to a step',
      { ...graph(['a'], { ...connect('a', 's'), connection_type: 'handoff' }), ...steps(step('s', 'transform')) },
      [['/configuration/connections/0/target_agent_id', 'handoff_without_agent']],
    ],
    [
      'templates that read what is not there, or not before them',
      steps(
        step('a', 'transform', { template: '{{ steps.ghost.output }}' }),
        step('b', 'transform', { template: '{{ steps.c.output }}' }),
        step('c', 'transform', { mapping: { deep: ['{{ steps.b.output }}', '{{ 1 | nothing }}'] } }),
      ),
      [
        ['/configuration/steps/2/config/mapping/deep/1', 'template_invalid'],
        ['/configuration/steps/0/config/template', 'unknown_reference'],
        ['/configuration/steps/1/config/template', 'reference_not_before'],
      ],
    ],
    [
      'a path that a schema rules out',
      steps(
        step('a', 'transform', { mapping: {}, output_schema: { type: 'object', properties: { id: {} }, additionalProperties: false } }),
        step('b', 'transform', { template: '{{ steps.a.output.title }}' }, 'a'),
      ),
      [['/configuration/steps/1/config/template', 'unknown_property']],
    ],
    ['a map without a body', steps(step('m', 'map', { items: [1] })), [['/configuration/steps/0', 'empty_body']]],
    [
      'a branch left by a case that it does not have',
      {
        ...steps(step('b', 'branch', { cases: [{ name: 'yes', when: 'true' }] }), step('t', 'transform')),
        connections: [{ source_step_id: 'b', target_step_id: 't', source_handle: 'no' }],
      },
      [['/configuration/connections/0/source_handle', 'unknown_case']],
    ],
    [
      'a connection into a body',
      {
        ...steps(step('m', 'map', { items: [1] }), step('in', 'transform'), step('out', 'transform')),
        connections: [
          { source_step_id: 'm', target_step_id: 'in', source_handle: 'body' },
          { source_step_id: 'out', target_step_id: 'in' },
        ],
      },
      [['/configuration/connections/1', 'body_crossed']],
    ],
    [
      'a workflow that there is not',
      steps(step('w', 'workflow', { workflow: 'nobody' })),
      [['/configuration/steps/0/config', 'unknown_workflow']],
    ],
  ]

  describe('a workflow with', () => {
    it.concurrent.each(bad)('%s is told so by validate and by deploy, with the same pointers', async (_, configuration, expected) => {
      const id = await studio.workflow(configuration)
      const validated = await studio.call('POST', `/api/workflows/${id}/validate`)
      expect(validated.status).toBe(200)
      expect(validated.body.valid).toBe(false)
      expect(validated.body.errors.map((one: { pointer: string; code: string }) => [one.pointer, one.code])).toEqual(expected)
      const deployed = await studio.call('POST', `/api/workflows/${id}/deploy`, { deployment_name: fresh('bad') })
      expect([deployed.status, deployed.body.code]).toEqual([422, 'workflow_invalid'])
      expect(deployed.body.errors).toEqual(validated.body.errors)
    })
  })

  it.concurrent('lists every problem at once', async () => {
    const { errors } = await validate({
      agents: [{ agent_id: 'a', config: { model: 'x/y' } }, 7],
      connections: [connect('a', 'b'), connect('c', 'a')],
    })
    expect(errors.map((one: { pointer: string }) => one.pointer)).toEqual([
      '/configuration/agents/0/config/model',
      '/configuration/agents/1',
      '/configuration/connections/0/target_agent_id',
      '/configuration/connections/1/source_agent_id',
    ])
  })

  it.concurrent('does not take the id of a registered agent that two nodes use as the end of a connection', async () => {
    const web = (await studio.call('GET', '/api/agents/name/WebAgent')).body.agent_id
    const nodes = ['a', 'b'].map((agent_id) => ({ agent_id, agent_type: 'WebAgent', config: { model: 'demo/echo' } }))
    const { errors } = await validate({ agents: [...nodes, node('lead')], connections: [connect('lead', web)] })
    expect(errors).toMatchObject([{ pointer: '/configuration/connections/0/target_agent_id', code: 'ambiguous_node' }])
  })

  it.concurrent('gives the warnings of a deploy', async () => {
    const { valid, warnings } = await validate(agents({ agent_id: 'a', agent_type: 'Unheard' }))
    expect(valid).toBe(true)
    expect(warnings.map((one: { code: string }) => one.code)).toEqual(expect.arrayContaining(['agent_not_registered', 'default_model']))
  })

  it.concurrent('changes nothing', async () => {
    const id = await studio.workflow(echo)
    const before = (await studio.call('GET', `/api/workflows/${id}`)).body
    await studio.call('POST', `/api/workflows/${id}/validate`)
    expect((await studio.call('GET', `/api/workflows/${id}`)).body).toEqual(before)
  })
})
