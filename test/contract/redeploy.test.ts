import { describe, expect, it } from 'vitest'
import { agents, echo, fresh, slow, useStudio } from '../support/studio.ts'

const studio = useStudio()
const path = (name: string, rest = '') => `/api/workflows/deployments/${name}${rest}`
const says = (system_prompt: string) => agents({ agent_id: 'a', config: { model: 'demo/assistant', system_prompt } })

describe.concurrent('redeploying a name', () => {
  it('makes its next release, under the same id, and executions go to it', async () => {
    const name = fresh('next')
    const first = await studio.deployed(name, says('One.'))
    const id = first.workflow.workflow_id
    await studio.call('PUT', `/api/workflows/${id}`, { configuration: says('Two.') })
    const second = await studio.deploy(id, name)
    expect(second).toMatchObject({ deployment_id: first.deployment_id, release: { number: 2 }, unchanged: false, status: 'active' })
    expect(second.release.digest).not.toBe(first.release.digest)
    expect(second.release.definition_digest).not.toBe(first.release.definition_digest)
    const { body } = await studio.execute({ deployment_name: name, query: 'x' })
    expect(body).toMatchObject({ release: 2, response: expect.stringContaining('My instructions begin: Two.') })
  })

  it('may come from another workflow; the statistics stay', async () => {
    const name = fresh('other')
    const first = await studio.deployed(name)
    await studio.execute({ deployment_name: name, query: 'x' })
    const other = await studio.workflow(says('Other.'))
    const second = await studio.deploy(other, name)
    expect(second).toMatchObject({
      deployment_id: first.deployment_id,
      release: { number: 2 },
      workflow: { workflow_id: other },
      execution_count: 1,
    })
    // The workflow that served before is free to go.
    expect((await studio.call('DELETE', `/api/workflows/${first.workflow.workflow_id}`)).status).toBe(200)
    expect((await studio.call('DELETE', `/api/workflows/${other}`)).status).toBe(409)
  })

  it('keeps an execution on the release that it began on', async () => {
    const name = fresh('pinned')
    const { workflow } = await studio.deployed(name, slow)
    const { execution_id } = await studio.startLong(name)
    await studio.call('PUT', `/api/workflows/${workflow.workflow_id}`, { configuration: echo })
    await studio.deploy(workflow.workflow_id, name)
    expect((await studio.execute({ deployment_name: name, query: 'new' })).body).toMatchObject({ release: 2, response: 'new' })
    expect((await studio.call('GET', `/api/executions/${execution_id}`)).body).toMatchObject({ release: 1, status: 'running' })
  })

  it('reactivates an inactive one, its statistics kept', async () => {
    const name = fresh('revived')
    const { workflow, deployment_id } = await studio.deployed(name)
    await studio.execute({ deployment_name: name, query: 'x' })
    await studio.call('POST', path(name, '/stop'))
    const again = await studio.deploy(workflow.workflow_id, name)
    expect(again).toMatchObject({ deployment_id, status: 'active', stopped_at: null, execution_count: 1, release: { number: 2 } })
    expect(again.last_executed).not.toBeNull()
    expect((await studio.execute({ deployment_name: name, query: 'x' })).body.release).toBe(2)
  })

  it('in one environment leaves the others alone', async () => {
    const name = fresh('apart')
    const { workflow } = await studio.deployed(name, undefined, { environment: 'development' })
    const production = await studio.deploy(workflow.workflow_id, name, { environment: 'production' })
    expect(production.release.number).toBe(1)
    await studio.deploy(workflow.workflow_id, name, { environment: 'production', force: true })
    expect((await studio.call('GET', path(name, '?environment=development'))).body.release.number).toBe(1)
  })

  it('that fails leaves the release that served before serving', async () => {
    const name = fresh('intact')
    const { workflow } = await studio.deployed(name)
    const before = (await studio.call('GET', path(name))).body
    await studio.call('PUT', `/api/workflows/${workflow.workflow_id}`, {
      configuration: { agents: [{ agent_id: 'a' }], connections: [{ source_agent_id: 'a', target_agent_id: 'nowhere' }] },
    })
    const failed = await studio.call('POST', `/api/workflows/${workflow.workflow_id}/deploy`, { deployment_name: name })
    expect(failed).toMatchObject({ status: 422, body: { errors: [{ pointer: '/configuration/connections/0/target_agent_id' }] } })
    expect((await studio.call('GET', path(name))).body).toEqual(before)
    expect((await studio.execute({ deployment_name: name, query: 'still' })).body).toMatchObject({ release: 1, response: 'still' })
  })

  it('that fails leaves a stopped deployment stopped', async () => {
    const name = fresh('stays')
    await studio.deployed(name)
    await studio.call('POST', path(name, '/stop'))
    const before = (await studio.call('GET', path(name))).body
    const broken = await studio.workflow({})
    expect((await studio.call('POST', `/api/workflows/${broken}/deploy`, { deployment_name: name })).status).toBe(422)
    expect((await studio.call('GET', path(name))).body).toEqual(before)
  })
})

describe.concurrent('deploying what serves already', () => {
  it('changes nothing and says so', async () => {
    const name = fresh('same')
    const first = await studio.deployed(name, undefined, { deployed_by: 'ann' })
    const before = (await studio.call('GET', path(name))).body
    const again = await studio.deploy(first.workflow.workflow_id, name, { deployed_by: 'bob' })
    expect(again).toEqual({ ...first, unchanged: true })
    expect((await studio.call('GET', path(name))).body).toEqual(before)
  })

  it('is told by the content: the order of keys and the positions on the canvas do not count', async () => {
    const name = fresh('moved')
    const config = { model: 'demo/echo', system_prompt: 'x' }
    const { workflow } = await studio.deployed(name, agents({ agent_id: 'a', position: { x: 1, y: 1 }, config }))
    await studio.call('PUT', `/api/workflows/${workflow.workflow_id}`, {
      configuration: {
        connections: [],
        agents: [{ config: { system_prompt: 'x', model: 'demo/echo' }, position: { x: 9, y: 9 }, agent_id: 'a' }],
      },
    })
    expect(await studio.deploy(workflow.workflow_id, name)).toMatchObject({ unchanged: true, release: { number: 1 } })
  })

  it('makes a release all the same with force', async () => {
    const name = fresh('forced')
    const first = await studio.deployed(name)
    const forced = await studio.deploy(first.workflow.workflow_id, name, { force: true })
    expect(forced).toMatchObject({ unchanged: false, release: { number: 2, digest: first.release.digest } })
    expect((await studio.execute({ deployment_name: name, query: 'x' })).body.release).toBe(2)
  })

  it('makes a release where an earlier release had the digest, but not the one that serves', async () => {
    const name = fresh('earlier')
    const first = await studio.deployed(name, undefined, { runtime_config: { timeout: 10 } })
    const id = first.workflow.workflow_id
    await studio.deploy(id, name, { runtime_config: { timeout: 20 } })
    const third = await studio.deploy(id, name, { runtime_config: { timeout: 10 } })
    expect(third).toMatchObject({ unchanged: false, release: { number: 3, digest: first.release.digest } })
  })

  it('gives the same digests to the same content in another deployment', async () => {
    const [one, two] = [await studio.deployed(fresh('digest')), await studio.deployed(fresh('digest'))]
    expect(two.release.digest).toBe(one.release.digest)
    expect(two.release.definition_digest).toBe(one.release.definition_digest)
  })
})

describe.concurrent('the runtime configuration of a redeploy', () => {
  const deployWith = async (id: string, name: string, fields: object) => (await studio.deploy(id, name, fields)).runtime_config

  it('is inherited where it is absent or null, and reset by {}', async () => {
    const name = fresh('inherit')
    const { workflow } = await studio.deployed(name, undefined, { runtime_config: { timeout: 60, max_retries: 0 } })
    const id = workflow.workflow_id
    expect(await deployWith(id, name, { force: true })).toEqual({ timeout: 60, max_retries: 0 })
    expect(await deployWith(id, name, { force: true, runtime_config: null })).toEqual({ timeout: 60, max_retries: 0 })
    expect(await deployWith(id, name, { runtime_config: {} })).toEqual({ timeout: 300, max_retries: 3 })
    expect((await studio.call('GET', path(name))).body).toMatchObject({
      runtime_config: { timeout: 300, max_retries: 3 },
      release: { number: 4 },
    })
  })

  it('is inherited by a stopped deployment, and from the release of another workflow', async () => {
    const name = fresh('inherit')
    await studio.deployed(name, undefined, { runtime_config: { timeout: 42 } })
    await studio.call('POST', path(name, '/stop'))
    const other = await studio.workflow(slow)
    expect(await deployWith(other, name, {})).toEqual({ timeout: 42, max_retries: 3 })
  })

  it('is taken as a whole where a part of it is given', async () => {
    const name = fresh('part')
    const { workflow } = await studio.deployed(name, undefined, { runtime_config: { timeout: 60, max_retries: 0 } })
    expect(await deployWith(workflow.workflow_id, name, { runtime_config: { timeout: 90 } })).toEqual({ timeout: 90, max_retries: 3 })
    expect(await deployWith(workflow.workflow_id, name, { runtime_config: { timeout: null, max_retries: 1 } })).toEqual({
      timeout: 300,
      max_retries: 1,
    })
  })

  it('alone makes another digest, of the same definition', async () => {
    const name = fresh('digest')
    const first = await studio.deployed(name)
    const second = await studio.deploy(first.workflow.workflow_id, name, { runtime_config: { timeout: 301 } })
    expect(second).toMatchObject({ unchanged: false, release: { number: 2, definition_digest: first.release.definition_digest } })
    expect(second.release.digest).not.toBe(first.release.digest)
    // The default written out is the default.
    const third = await studio.deploy(first.workflow.workflow_id, name, { runtime_config: { timeout: 301, max_retries: 3 } })
    expect(third.unchanged).toBe(true)
  })
})
