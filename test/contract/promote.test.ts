import { afterAll, describe, expect, it } from 'vitest'
import { agents, echo, fresh, useStudio } from '../support/studio.ts'
import { writeKeyFile } from '../support/secrets.ts'
import { removeFolder, temporaryFolder } from '../support/server.ts'

const folder = temporaryFolder()
const studio = useStudio(() => ({ AGENT_STUDIO_SECRET_KEY_FILE: writeKeyFile(folder) }))
afterAll(() => removeFolder(folder))

const path = (name: string, rest = '') => `/api/workflows/deployments/${name}${rest}`
const promote = (name: string, body: object, query = '') => studio.call('POST', path(name, `/promote${query}`), body)
const inProduction = async (name: string) => (await studio.call('GET', path(name, '?environment=production'))).body
const put = (kind: 'secrets' | 'variables', environment: string, name: string) =>
  studio.call('PUT', `/api/${kind}/${environment}/${name}`, { value: kind === 'secrets' ? `hush-${environment}` : `of ${environment}` })
const says = (system_prompt: string) => agents({ agent_id: 'a', config: { model: 'demo/assistant', system_prompt } })

describe.concurrent('a promotion', () => {
  it('lets the same definition serve in another environment, and says of which release', async () => {
    const name = fresh('promoted')
    const { release, workflow } = await studio.deployed(name, says('One.'), { environment: 'development', runtime_config: { timeout: 60 } })
    await studio.execute({ deployment_name: name, query: 'x' })
    const { status, body } = await promote(name, { environment: 'production', note: 'looks good', deployed_by: 'ann' })
    expect([status, body]).toMatchObject([
      200,
      {
        environment: 'production',
        deployed_by: 'ann',
        release: { number: 1, digest: release.digest, definition_digest: release.definition_digest },
        runtime_config: { timeout: 60 },
        made_from: { deployment_name: name, environment: 'development', release: 1 },
        warnings: [],
        workflow: { workflow_id: workflow.workflow_id },
      },
    ])
    expect(body.checklist.map(({ check, ok }: { check: string; ok: boolean }) => [check, ok])).toEqual([
      ['secrets', true],
      ['variables', true],
      ['models', true],
      ['definition', true],
      ['runtime_config', true],
      ['executions', true],
    ])
    expect((await studio.call('GET', path(name, '/releases?environment=production'))).body).toMatchObject([
      { made_by: 'promotion', made_from: { environment: 'development', release: 1 }, note: 'looks good' },
    ])
    expect((await promote(name, { environment: 'production' })).body).toMatchObject({ unchanged: true, release: { number: 1 } })
  })

  it('takes the runtime configuration that the deployment has there, or the one that is given', async () => {
    const name = fresh('configured')
    const { workflow } = await studio.deployed(name, says('One.'), { environment: 'production', runtime_config: { timeout: 900 } })
    await studio.call('PUT', `/api/workflows/${workflow.workflow_id}`, { configuration: says('Two.') })
    await studio.deploy(workflow.workflow_id, name, { environment: 'development', runtime_config: { timeout: 5 } })
    expect((await promote(name, { environment: 'production' })).body).toMatchObject({
      release: { number: 2 },
      runtime_config: { timeout: 900 },
    })
    expect((await promote(name, { environment: 'production', runtime_config: {} })).body).toMatchObject({
      release: { number: 3 },
      runtime_config: { timeout: 300 },
    })
  })

  it('may be of any release, from a named environment, under another name', async () => {
    const name = fresh('source')
    const as = fresh('target')
    const { workflow, release } = await studio.deployed(name, says('One.'), { environment: 'development' })
    await studio.call('PUT', `/api/workflows/${workflow.workflow_id}`, { configuration: says('Two.') })
    await studio.deploy(workflow.workflow_id, name, { environment: 'development' })
    const { body } = await promote(name, { environment: 'development', as, release: 1 }, '?environment=development')
    expect(body).toMatchObject({
      deployment_name: as,
      environment: 'development',
      release: { definition_digest: release.definition_digest },
    })
    expect((await studio.execute({ deployment_name: as, query: 'x' })).body.response).toContain('One.')
  })

  it('serves with the variables of the environment that it goes to, also when the workflow is gone', async () => {
    const name = fresh('variables')
    for (const environment of ['development', 'production']) await put('variables', environment, 'PLACE')
    const { workflow } = await studio.deployed(name, says('You are {{ variables.PLACE }}.'), { environment: 'development' })
    await studio.call('PUT', `/api/workflows/${workflow.workflow_id}`, { configuration: echo })
    await promote(name, { environment: 'production' })
    const { body } = await studio.execute({ deployment_name: name, environment: 'production', query: 'x' })
    expect(body.response).toContain('of production')
  })

  it('is refused with everything that is missing there, and traffic is as it was', async () => {
    const name = fresh('lacking')
    await put('secrets', 'development', 'ONLY_HERE')
    await put('variables', 'development', 'ALSO_HERE')
    await studio.deployed(name, echo, { environment: 'production' })
    const before = await inProduction(name)
    const step = {
      step_id: 's',
      step_type: 'http',
      config: { url: 'https://{{ variables.ALSO_HERE }}.example', headers: { 'x-key': '{{ secrets.ONLY_HERE }}' } },
    }
    await studio.deployed(name, { steps: [step] }, { environment: 'development' })
    const { status, body } = await promote(name, { environment: 'production' })
    expect([status, body.code]).toEqual([422, 'promotion_refused'])
    expect(body.errors).toMatchObject([
      { pointer: '/environment', code: 'unknown_secret' },
      { pointer: '/environment', code: 'unknown_variable' },
    ])
    expect(body.checklist).toMatchObject([
      { check: 'secrets', ok: false, missing: ['ONLY_HERE'] },
      { check: 'variables', ok: false, missing: ['ALSO_HERE'] },
      ...Array.from({ length: 4 }, () => ({})),
    ])
    expect(await inProduction(name)).toEqual(before)
    const dry = await promote(name, { environment: 'production', dry_run: true })
    expect([dry.status, dry.body.valid, dry.body.errors]).toEqual([200, false, body.errors])
    for (const [kind, secret] of [
      ['secrets', 'ONLY_HERE'],
      ['variables', 'ALSO_HERE'],
    ] as const) {
      await put(kind, 'production', secret)
    }
    expect((await promote(name, { environment: 'production' })).body).toMatchObject({ release: { number: 2 } })
  })

  it('is refused where a model has its key in the one environment alone', async () => {
    const name = fresh('keyed')
    await put('secrets', 'development', 'ANTHROPIC_API_KEY')
    await studio.deployed(name, agents({ agent_id: 'a', config: { model: 'claude-sonnet-4-5' } }), { environment: 'development' })
    const { status, body } = await promote(name, { environment: 'production' })
    expect([status, body.errors[0].code, body.errors[0].message]).toEqual([
      422,
      'unknown_secret',
      expect.stringContaining('ANTHROPIC_API_KEY'),
    ])
  })

  it('as a dry run tells everything and writes nothing', async () => {
    const name = fresh('dry')
    await studio.deployed(name, says('Before.'), { environment: 'production' })
    await studio.deployed(name, says('After.'), { environment: 'development' })
    const before = await inProduction(name)
    const { body } = await promote(name, { environment: 'production', dry_run: true })
    expect(body).toMatchObject({
      dry_run: true,
      valid: true,
      warnings: [{ code: 'never_executed' }],
      release: { number: 2 },
      diff: { nodes: [{ id: 'a', change: 'changed' }] },
      made_from: { environment: 'development' },
    })
    expect(await inProduction(name)).toEqual(before)
  })

  it('ends a hold, and is held itself where it is automated', async () => {
    const name = fresh('held')
    const { workflow } = await studio.deployed(name, says('One.'), { environment: 'production' })
    await studio.deploy(workflow.workflow_id, name, { environment: 'production', force: true })
    await studio.call('POST', path(name, '/rollback'), { environment: 'production' })
    await studio.deployed(name, says('Two.'), { environment: 'development' })
    expect(await promote(name, { environment: 'production', automated: true })).toMatchObject({
      status: 409,
      body: { code: 'deploys_held' },
    })
    expect((await promote(name, { environment: 'production' })).status).toBe(200)
    expect((await inProduction(name)).hold).toBeNull()
  })

  it.each([
    [404, { environment: 'production', release: 9 }],
    [422, { environment: 'nowhere' }],
    [422, {}],
    [422, { environment: 'production', as: 'active' }],
    [422, { environment: 'production', runtime_config: { timeout: 0 } }],
  ])('answers %i to %j', async (status, body) => {
    const name = fresh('refused')
    await studio.deployed(name, echo, { environment: 'development' })
    expect((await promote(name, body)).status).toBe(status)
  })

  it('needs another place to go to', async () => {
    const name = fresh('same')
    await studio.deployed(name, echo, { environment: 'development' })
    expect((await promote(name, { environment: 'development' })).status).toBe(404)
    expect(await promote(name, { environment: 'development' }, '?environment=development')).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/environment', code: 'not_allowed' }] },
    })
  })
})
