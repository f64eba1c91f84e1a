import { expect, it } from 'vitest'
import { agents, fresh, useStudio } from '../support/studio.ts'

const studio = useStudio()
const unknownId = '00000000-0000-4000-8000-000000000000'

const names = (list: { name: string }[]) => list.map((one) => one.name)

it('has four agents in a new database, all of them available', async () => {
  const four = ['CommandAgent', 'WebAgent', 'DataAgent', 'APIAgent']
  const { status, body } = await studio.call('GET', '/api/agents')
  expect(status).toBe(200)
  expect(names(body)).toEqual(expect.arrayContaining(four))
  expect(names((await studio.call('GET', '/api/agents/deployment/available')).body)).toEqual(expect.arrayContaining(four))
})

it('registers an agent and shows it by its id, by its name and in the list', async () => {
  const sent = {
    name: fresh('Agent with spaces & ünïcode'),
    agent_type: 'specialist',
    description: 'Knows things',
    config: { model: 'demo/echo', system_prompt: 'Be brief.', own: { kept: null } },
    available_for_deployment: true,
  }
  const { status, body } = await studio.call('POST', '/api/agents', sent)
  expect(status).toBe(200)
  expect(body).toMatchObject({ ...sent, agent_id: expect.any(String) })
  expect((await studio.call('GET', `/api/agents/${body.agent_id}`)).body).toEqual(body)
  expect((await studio.call('GET', `/api/agents/name/${encodeURIComponent(sent.name)}`)).body).toEqual(body)
  expect((await studio.call('GET', '/api/agents?limit=1000')).body).toContainEqual(body)
})

it('registers an agent that has nothing but a name, and takes null as absent', async () => {
  const name = fresh('Bare')
  const nulls = { agent_type: null, description: null, config: null, available_for_deployment: null }
  const { status, body } = await studio.call('POST', '/api/agents', { name, ...nulls })
  expect(status).toBe(200)
  expect(body).toMatchObject({ name, agent_type: name, description: null, config: {}, available_for_deployment: true })
})

it('lists a part of them by skip and limit', async () => {
  await studio.call('POST', '/api/agents', { name: fresh('Listed') })
  const all = (await studio.call('GET', '/api/agents')).body
  expect((await studio.call('GET', '/api/agents?skip=1&limit=2')).body).toEqual(all.slice(1, 3))
})

it('answers 409 to a name that is taken, on creation and on change', async () => {
  const taken = { status: 409, body: { code: 'agent_exists' } }
  expect(await studio.call('POST', '/api/agents', { name: 'WebAgent' })).toMatchObject(taken)
  const { body } = await studio.call('POST', '/api/agents', { name: fresh('Second') })
  expect(await studio.call('PUT', `/api/agents/${body.agent_id}`, { name: 'WebAgent' })).toMatchObject(taken)
  expect((await studio.call('PUT', `/api/agents/${body.agent_id}`, { name: body.name })).status).toBe(200)
})

it('changes only the fields sent', async () => {
  const { body: before } = await studio.call('POST', '/api/agents', {
    name: fresh('Changed'),
    description: 'old',
    config: { model: 'demo/echo' },
  })
  const { status, body } = await studio.call('PUT', `/api/agents/${before.agent_id}`, { description: 'new', config: null })
  expect(status).toBe(200)
  expect(body).toEqual({ ...before, description: 'new', updated_at: body.updated_at })
})

it('leaves out of the available ones an agent that says so', async () => {
  const { body } = await studio.call('POST', '/api/agents', { name: fresh('Hidden'), available_for_deployment: false })
  expect(names((await studio.call('GET', '/api/agents/deployment/available')).body)).not.toContain(body.name)
  await studio.call('PUT', `/api/agents/${body.agent_id}`, { available_for_deployment: true })
  expect(names((await studio.call('GET', '/api/agents/deployment/available')).body)).toContain(body.name)
})

it('deletes an agent, and its name is free again', async () => {
  const { body } = await studio.call('POST', '/api/agents', { name: fresh('Deleted') })
  const deleted = await studio.call('DELETE', `/api/agents/${body.agent_id}`)
  expect(deleted).toMatchObject({ status: 200, body: { agent_id: body.agent_id } })
  const gone = { status: 404, body: { code: 'agent_not_found' } }
  expect(await studio.call('GET', `/api/agents/${body.agent_id}`)).toMatchObject(gone)
  expect(await studio.call('GET', `/api/agents/name/${body.name}`)).toMatchObject(gone)
  expect(await studio.call('DELETE', `/api/agents/${body.agent_id}`)).toMatchObject(gone)
  expect((await studio.call('POST', '/api/agents', { name: body.name })).body.agent_id).not.toBe(body.agent_id)
})

it('answers 404 for an agent that does not exist, and for an id that is none', async () => {
  for (const path of [unknownId, 'not-a-uuid', 'name/NobodyAgent', 'deployment']) {
    const answer = await studio.call('GET', `/api/agents/${path}`)
    expect([path, answer.status]).toEqual([path, 404])
  }
  expect((await studio.call('PUT', `/api/agents/${unknownId}`, { description: 'x' })).status).toBe(404)
})

it('refuses settings that no model could take, with the pointer of each', async () => {
  const { status, body } = await studio.call('POST', '/api/agents', { name: fresh('Wrong'), config: { model: 5, temperature: 9 } })
  expect(status).toBe(422)
  expect(body.errors.map((one: { pointer: string }) => one.pointer)).toEqual(['/config/model', '/config/temperature'])
})

it('runs a workflow with the registered agent behind a node, whose own config counts more', async () => {
  const { body: agent } = await studio.call('POST', '/api/agents', {
    name: fresh('Registered'),
    config: { model: 'demo/assistant', system_prompt: 'First sentence of the agent. More.' },
  })
  const [own, inherited] = [fresh('own'), fresh('inherited')]
  await studio.deployed(inherited, agents({ agent_id: 'a', agent_type: agent.name }))
  await studio.deployed(own, agents({ agent_id: 'a', agent_type: agent.name, config: { model: 'demo/echo' } }))
  const answer = await studio.execute({ deployment_name: inherited, query: 'hi' })
  expect(answer.body.response).toContain('My instructions begin: First sentence of the agent.')
  expect((await studio.execute({ deployment_name: own, query: 'hi' })).body.response).toBe('hi')

  // A release is a snapshot: neither a change nor the deletion of the agent reaches it.
  await studio.call('PUT', `/api/agents/${agent.agent_id}`, { config: { model: 'demo/echo' } })
  await studio.call('DELETE', `/api/agents/${agent.agent_id}`)
  expect((await studio.execute({ deployment_name: inherited, query: 'hi' })).body.response).toBe(answer.body.response)
})
