import { beforeAll, describe, expect, it } from 'vitest'
import type { Answer } from '../support/api.ts'
import { agents, fresh, useStudio } from '../support/studio.ts'

/** Environments that ask for something before a release serves in them. */

const studio = useStudio(() => ({
  AGENT_STUDIO_ENVIRONMENTS: 'development,staging,production',
  AGENT_STUDIO_PROTECTED_ENVIRONMENTS: 'staging:approval,production:promotion+approval',
}))
const says = (system_prompt: string) => agents({ agent_id: 'a', config: { model: 'demo/assistant', system_prompt } })

/** Of a deploy before there were keys. */
let unkeyed: Answer
let keys: Record<'admin' | 'deployer' | 'approver' | 'foreign', string>
const as = (key: string, method: string, path: string, body?: object, headers: object = {}) =>
  studio.call(method, path, body, { authorization: `Bearer ${key}`, ...headers })
const admin = async (method: string, path: string, body?: object) => (await as(keys.admin, method, path, body)).body
const deployer = (path: string, body: object, method = 'POST') => as(keys.deployer, method, path, body)
const approve = (id: string, key = keys.approver, headers = {}) => as(key, 'POST', `/api/proposals/${id}/approve`, {}, headers)
const on = (name: string, rest = '') => `/api/workflows/deployments/${name}${rest}`
const liveIn = async (environment: string, name: string) => (await admin('GET', on(name, `?environment=${environment}`))).release?.number

const workflow = async (text: string): Promise<string> =>
  (await admin('POST', '/api/workflows', { name: fresh('w'), configuration: says(text) })).workflow_id
const deploy = (id: string, deployment_name: string, environment: string, fields: object = {}) =>
  deployer(`/api/workflows/${id}/deploy`, { deployment_name, environment, ...fields })

/** What serves in staging, as release 1. */
async function served(name: string): Promise<string> {
  const id = await workflow('One.')
  const { body } = await deploy(id, name, 'staging')
  expect((await approve(body.proposal.proposal_id)).status).toBe(200)
  return id
}

beforeAll(async () => {
  unkeyed = await studio.call('POST', `/api/workflows/${await studio.workflow(says('x'))}/deploy`, {
    deployment_name: 'early',
    environment: 'staging',
  })
  const admin_ = (await studio.call('POST', '/api/keys', { name: 'admin', scopes: ['admin'] })).body.key as string
  const make = async (name: string, fields: object) => (await as(admin_, 'POST', '/api/keys', { name, ...fields })).body.key as string
  keys = {
    admin: admin_,
    deployer: await make('deployer', { scopes: ['workflow:read', 'deploy', 'execute', 'approve'] }),
    approver: await make('approver', { scopes: ['workflow:read', 'approve'] }),
    foreign: await make('foreign', { scopes: ['workflow:read', 'approve'], environments: ['development'] }),
  }
})

describe('an environment that takes promotions only', () => {
  it('refuses a deploy, says what to do, and takes the promotion', async () => {
    const name = fresh('promoted')
    const id = await workflow('One.')
    const refused = await deploy(id, name, 'production')
    expect(refused).toMatchObject({ status: 403, body: { code: 'environment_protected', detail: expect.stringContaining('/promote') } })
    expect((await deploy(id, name, 'production', { dry_run: true })).body).toMatchObject({
      valid: false,
      errors: [{ pointer: '/environment', code: 'environment_protected' }],
    })
    await deploy(id, name, 'development')
    const { status, body } = await deployer(on(name, '/promote'), { environment: 'production' })
    expect([status, body.proposal.kind]).toEqual([202, 'promotion'])
    expect((await approve(body.proposal.proposal_id)).body).toMatchObject({ environment: 'production', release: { number: 1 } })
    expect((await admin('GET', on(name, '/releases?environment=production')))[0]).toMatchObject({
      made_by: 'promotion',
      made_from: { environment: 'development', release: 1 },
      api_key: { name: 'deployer' },
      proposal_id: body.proposal.proposal_id,
    })
  })
})

describe('an environment that asks for a second key', () => {
  it('keeps a deploy until another key has approved it, with both in the trail', async () => {
    const name = fresh('proposed')
    const id = await workflow('One.')
    const { status, body } = await deploy(id, name, 'staging', { note: 'first' })
    expect([status, body.proposal]).toMatchObject([
      202,
      {
        kind: 'deploy',
        status: 'pending',
        deployment_name: name,
        environment: 'staging',
        note: 'first',
        requested_by: 'deployer',
        base: null,
      },
    ])
    const { proposal_id, digest } = body.proposal
    expect(await liveIn('staging', name)).toBeUndefined()
    const own = await approve(proposal_id, keys.deployer)
    expect(own).toMatchObject({ status: 403, body: { code: 'second_key_needed' } })
    expect(await approve(proposal_id, keys.foreign)).toMatchObject({ status: 404, body: { code: 'proposal_not_found' } })
    // The draft may go on meanwhile: what is approved is what was proposed.
    await admin('PUT', `/api/workflows/${id}`, { configuration: says('Two.') })
    const approved = await approve(proposal_id)
    expect(approved).toMatchObject({ status: 200, body: { release: { number: 1, digest }, status: 'active' } })
    expect(await approve(proposal_id)).toMatchObject({
      status: 409,
      body: { code: 'proposal_decided', decision: 'approved', by: 'approver' },
    })
    const [entry] = await admin('GET', `/api/audit?object=${name}&action=deployment.deploy`)
    expect(entry).toMatchObject({ actor: { name: 'approver' }, after: { requested_by: 'deployer', proposal_id } })
    expect((await admin('GET', `/api/audit?action=proposal.create&object=${name}`))[0]).toMatchObject({ actor: { name: 'deployer' } })
  })

  it('shows what waits, with what would differ', async () => {
    const name = fresh('shown')
    const id = await served(name)
    await admin('PUT', `/api/workflows/${id}`, { configuration: says('Another prompt.') })
    const { proposal_id } = (await deploy(id, name, 'staging')).body.proposal
    const list = async (key: string, query = '') =>
      (await as(key, 'GET', `/api/proposals?deployment_name=${name}${query}`)).body.map((one: { proposal_id: string }) => one.proposal_id)
    expect(await list(keys.approver, '&status=pending')).toEqual([proposal_id])
    expect((await list(keys.approver)).length).toBe(2)
    expect(await list(keys.foreign)).toEqual([])
    const shown = await as(keys.approver, 'GET', `/api/proposals/${proposal_id}`)
    expect(shown.body).toMatchObject({ base: { release: 1 }, diff: { nodes: [{ id: 'a', change: 'changed' }] } })
    const { body } = await as(keys.approver, 'POST', `/api/proposals/${proposal_id}/reject`, { reason: 'too rude' })
    expect(body).toMatchObject({ status: 'rejected', reason: 'too rude', decided_by: 'approver' })
    expect(await approve(proposal_id)).toMatchObject({ status: 409, body: { decision: 'rejected' } })
    expect(await liveIn('staging', name)).toBe(1)
  })

  it('looks again when it is approved: what serves, and what the environment has', async () => {
    const name = fresh('outdated')
    const id = await served(name)
    await admin('PUT', `/api/workflows/${id}`, { configuration: says('Two.') })
    const two = (await deploy(id, name, 'staging')).body.proposal.proposal_id
    const other = (await deployer(on(name), { runtime_config: { timeout: 60 } }, 'PATCH')).body.proposal
    expect(other.kind).toBe('runtime_config')
    expect((await approve(other.proposal_id)).body).toMatchObject({ release: { number: 2 }, runtime_config: { timeout: 60 } })
    expect(await approve(two)).toMatchObject({ status: 409, body: { code: 'proposal_outdated' } })

    await admin('PUT', '/api/variables/staging/PLACE', { value: 'here' })
    await admin('PUT', `/api/workflows/${id}`, { configuration: says('{{ variables.PLACE }}') })
    const needs = (await deploy(id, name, 'staging')).body.proposal.proposal_id
    await admin('DELETE', '/api/variables/staging/PLACE')
    expect(await approve(needs)).toMatchObject({ status: 409, body: { detail: expect.stringContaining('PLACE') } })
    expect(await liveIn('staging', name)).toBe(2)
  })

  it('does not start by an approval what was stopped since it was asked for', async () => {
    const name = fresh('stopped')
    const id = await served(name)
    const { proposal_id } = (await deploy(id, name, 'staging', { force: true })).body.proposal
    const config = (await deployer(on(name), { runtime_config: { timeout: 60 } }, 'PATCH')).body.proposal
    await deployer(on(name, '/stop'), {})
    expect(await approve(proposal_id)).toMatchObject({
      status: 409,
      body: { code: 'proposal_outdated', detail: expect.stringContaining('stopped') },
    })
    expect((await approve(config.proposal_id)).body).toMatchObject({ status: 'inactive', runtime_config: { timeout: 60 } })
    // The same once more is nothing to approve, nor to start.
    const same = await deployer(on(name), { runtime_config: { timeout: 60 } }, 'PATCH')
    expect([same.status, same.body]).toMatchObject([200, { unchanged: true, status: 'inactive' }])
    const { body } = await deploy(id, name, 'staging', { force: true })
    expect((await approve(body.proposal.proposal_id)).body).toMatchObject({ status: 'active', release: { number: 3 } })
  })

  it('tells whoever knows that environment alone nothing of where a promotion comes from', async () => {
    const name = fresh('from')
    await deploy(await workflow('One.'), name, 'development')
    const { proposal_id } = (await deployer(on(name, '/promote'), { environment: 'staging' })).body.proposal
    const within = { name: fresh('within'), scopes: ['workflow:read', 'approve'], environments: ['staging'] }
    const { key } = await admin('POST', '/api/keys', within)
    const answers = [
      await as(key, 'GET', '/api/proposals'),
      await as(key, 'GET', `/api/proposals/${proposal_id}`),
      await approve(proposal_id, key),
      await as(key, 'GET', on(name, '/releases')),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(answers[1]!.body).toMatchObject({ made_from: null, warnings: [{ code: 'never_executed' }] })
    expect(JSON.stringify(answers.map(({ body }) => body as unknown))).not.toContain('development')
  })

  it('rolls back at once: what served there was approved before', async () => {
    const name = fresh('rolled')
    const id = await served(name)
    const { proposal_id } = (await deploy(id, name, 'staging', { force: true })).body.proposal
    await approve(proposal_id)
    expect(await deployer(on(name, '/rollback'), {})).toMatchObject({ status: 200, body: { from: [2], to: 1 } })
    expect(await deploy(id, name, 'staging', { automated: true, force: true })).toMatchObject({
      status: 409,
      body: { code: 'deploys_held' },
    })
  })

  it('has nothing to approve where the very same serves', async () => {
    const name = fresh('same')
    const id = await served(name)
    expect(await deploy(id, name, 'staging')).toMatchObject({ status: 200, body: { unchanged: true, release: { number: 1 } } })
    expect((await deploy(id, name, 'staging', { dry_run: true, force: true })).body).toMatchObject({ needs_approval: true, valid: true })
  })

  it('makes one release of an approval that is sent twice with its key', async () => {
    const name = fresh('twice')
    const id = await served(name)
    const { proposal_id } = (await deploy(id, name, 'staging', { force: true })).body.proposal
    const [first, again] = [
      await approve(proposal_id, keys.approver, { 'idempotency-key': name }),
      await approve(proposal_id, keys.approver, { 'idempotency-key': name }),
    ]
    expect([again.status, again.body]).toEqual([first.status, first.body])
    expect(await liveIn('staging', name)).toBe(2)
    const other = (await deploy(id, name, 'staging', { force: true })).body.proposal.proposal_id
    const reject = () => as(keys.approver, 'POST', `/api/proposals/${other}/reject`, {}, { 'idempotency-key': `${name}-no` })
    expect((await reject()).body).toEqual((await reject()).body)
  })

  it('keeps what waits over a crash', async () => {
    const name = fresh('crash')
    const id = await workflow('One.')
    const { proposal_id } = (await deploy(id, name, 'staging')).body.proposal
    await studio.crash()
    expect((await approve(proposal_id)).body).toMatchObject({ release: { number: 1 } })
  })

  it('can be asked with a key only', () => {
    expect(unkeyed).toMatchObject({ status: 403, body: { code: 'approval_needs_keys' } })
  })

  it('leaves other environments alone', async () => {
    const name = fresh('free')
    expect((await deploy(await workflow('x'), name, 'development')).status).toBe(200)
  })
})
