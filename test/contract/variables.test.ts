import { describe, expect, it } from 'vitest'
import { agents, fresh, useStudio } from '../support/studio.ts'

const studio = useStudio()
const { call } = studio

const named = () => fresh('VARIABLE').replace('-', '_')
const at = (name: string, environment = 'production') => `/api/variables/${environment}/${name}`
const put = (name: string, value: string, environment = 'production', headers: Record<string, string> = {}) =>
  call('PUT', at(name, environment), { value }, headers)

describe('a variable', () => {
  it('is stored, shown, changed and deleted', async () => {
    const name = named()
    expect((await put(name, 'one')).body).toMatchObject({ environment: 'production', name, version: 1, value: 'one', updated_by: null })
    const changed = await put(name, '')
    expect(changed.body).toMatchObject({ version: 2, value: '' })
    const seen = await call('GET', at(name))
    expect([seen.body, seen.headers.get('etag')]).toEqual([changed.body, changed.headers.get('etag')])
    const { body } = await call('GET', `/api/variables?environment=production&q=${name}`)
    expect(body).toEqual([seen.body])
    expect((await call('DELETE', at(name))).body).toEqual({
      message: 'Variable deleted successfully',
      environment: 'production',
      name,
    })
    for (const method of ['GET', 'DELETE']) {
      expect(await call(method, at(name))).toMatchObject({ status: 404, body: { code: 'variable_not_found' } })
    }
  })

  it('is changed only as it was seen, where that is asked for', async () => {
    const name = named()
    const tag = (await put(name, 'one', 'production', { 'if-none-match': '*' })).headers.get('etag')!
    expect((await put(name, 'two', 'production', { 'if-match': tag })).status).toBe(200)
    expect(await put(name, 'three', 'production', { 'if-match': tag })).toMatchObject({
      status: 412,
      body: { code: 'precondition_failed' },
    })
    expect(await put(name, 'three', 'production', { 'if-none-match': '*' })).toMatchObject({ status: 412 })
    expect((await call('GET', at(name))).body.value).toBe('two')
  })

  it.each([
    ['lower', at('lower'), { value: 'x' }, ['/name', 'wrong_format']],
    ['no value', at('A'), {}, ['/value', 'required']],
    ['a number', at('A'), { value: 1 }, ['/value', 'wrong_type']],
    ['too much', at('A'), { value: 'x'.repeat(32_769) }, ['/value', 'too_long']],
    ['no environment', at('A', 'staging'), { value: 'x' }, ['/environment', 'unknown_environment']],
  ])('of %s is refused', async (_what, path, body, [pointer, code]) => {
    expect(await call('PUT', path, body)).toMatchObject({ status: 422, body: { errors: [{ pointer, code }] } })
  })
})

describe('what refers to a variable', () => {
  const greeting = (name: string) =>
    agents({ agent_id: 'a', config: { model: 'demo/assistant', system_prompt: `You serve {{ variables.${name} }}.` } })

  it('is refused on a deploy where the environment lacks it', async () => {
    const name = named()
    const workflow = await studio.workflow(greeting(name))
    const deploy = () => call('POST', `/api/workflows/${workflow}/deploy`, { deployment_name: fresh('refused') })
    expect(await deploy()).toMatchObject({
      status: 422,
      body: { code: 'workflow_invalid', errors: [{ pointer: '/configuration/agents/0/config/system_prompt', code: 'unknown_variable' }] },
    })
    await put(name, 'Bern')
    expect((await deploy()).status).toBe(200)
  })

  it('gets the value of its environment, as it is when the execution begins', async () => {
    const name = named()
    const deployment_name = fresh('greets')
    const workflow = await studio.workflow(greeting(name))
    for (const environment of ['development', 'production']) {
      await put(name, `${environment} first`, environment)
      await studio.deploy(workflow, deployment_name, { environment })
    }
    const ask = async (environment: string) => (await studio.execute({ deployment_name, environment, query: 'Hi' })).body.response
    expect(await ask('development')).toContain('You serve development first.')
    expect(await ask('production')).toContain('You serve production first.')
    await put(name, 'production second')
    expect(await ask('production')).toContain('You serve production second.')
    expect(await ask('development')).toContain('You serve development first.')
  })

  it('keeps it from being deleted by mistake', async () => {
    const name = named()
    const deployment_name = fresh('greets')
    await put(name, 'Bern')
    await studio.deployed(deployment_name, greeting(name))
    expect((await call('GET', at(name))).body.used_by).toMatchObject({
      deployments: [{ deployment_name, environment: 'production', status: 'active', release: 1 }],
      workflows: [{ name: expect.any(String) }],
    })
    expect(await call('DELETE', at(name))).toMatchObject({ status: 409, body: { code: 'variable_in_use' } })
    expect((await call('DELETE', `${at(name)}?force=true`)).status).toBe(200)
  })
})
