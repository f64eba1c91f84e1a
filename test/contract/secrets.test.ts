import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readEvents, remainingText, until } from '../support/api.ts'
import { useScriptedModels } from '../support/scripted-models.ts'
import { writeKeyFile } from '../support/secrets.ts'
import { removeFolder, runCommand, temporaryFolder } from '../support/server.ts'
import { agents, echo, fresh, useStudio } from '../support/studio.ts'

const folder = temporaryFolder()
afterAll(() => removeFolder(folder))
const keyFile = writeKeyFile(folder)

const models = useScriptedModels()
const studio = useStudio(() => ({ ...models.env(), AGENT_STUDIO_SECRET_KEY_FILE: keyFile }))
const { call } = studio

const named = () => fresh('SECRET').replace('-', '_')
const value = () => `s3cr3t-${randomBytes(12).toString('hex')}`
const at = (name: string, environment = 'production') => `/api/secrets/${environment}/${name}`
const put = (name: string, text: string, headers: Record<string, string> = {}) => call('PUT', at(name), { value: text }, headers)
const agent = (config: object) => agents({ agent_id: 'a', config: { model: 'demo/echo', ...config } })
const problemsOf = ({ body }: { body: { errors: { pointer: string; code: string }[] } }) =>
  body.errors.map(({ pointer, code }) => [pointer, code])

describe('a secret', () => {
  it('is stored, shown without its value, changed and deleted', async () => {
    const name = named()
    const [first, second] = [value(), value()]
    const made = await put(name, first)
    expect([made.status, made.body]).toMatchObject([
      200,
      {
        environment: 'production',
        name,
        version: 1,
        key_id: expect.stringMatching(/^[0-9a-f]{16}$/),
        readable: true,
        created_at: expect.stringMatching(/Z$/),
        created_by: null,
        updated_by: null,
        used_by: { deployments: [], workflows: [], agents: [] },
      },
    ])
    const changed = await put(name, second)
    expect(changed.body).toMatchObject({ version: 2, created_at: made.body.created_at })
    const seen = await call('GET', at(name))
    expect(seen.body).toEqual(changed.body)
    expect(await call('DELETE', at(name))).toMatchObject({
      status: 200,
      body: { message: 'Secret deleted successfully', environment: 'production', name },
    })
    for (const method of ['GET', 'DELETE']) {
      expect(await call(method, at(name))).toMatchObject({ status: 404, body: { code: 'secret_not_found' } })
    }
    for (const { body } of [made, changed, seen]) {
      expect(JSON.stringify(body)).not.toContain(first)
      expect(JSON.stringify(body)).not.toContain(second)
      expect(JSON.stringify(body)).not.toMatch(/length|size/)
    }
  })

  it('is changed only as it was seen, where that is asked for', async () => {
    const name = named()
    const made = await put(name, value(), { 'if-none-match': '*' })
    expect(made.status).toBe(200)
    const tag = made.headers.get('etag')!
    expect((await call('GET', at(name))).headers.get('etag')).toBe(tag)
    expect(await put(name, value(), { 'if-none-match': '*' })).toMatchObject({ status: 412, body: { code: 'precondition_failed' } })
    const changed = await put(name, value(), { 'if-match': `"other", ${tag}` })
    expect(changed.status).toBe(200)
    expect(changed.headers.get('etag')).not.toBe(tag)
    expect(await put(name, value(), { 'if-match': tag })).toMatchObject({ status: 412 })
    expect(await call('DELETE', at(name), undefined, { 'if-match': tag })).toMatchObject({ status: 412 })
    expect(await put(name, value(), { 'if-match': 'v1' })).toMatchObject({ status: 400, body: { code: 'malformed_request' } })
    expect((await call('GET', at(name))).body.version).toBe(2)
    await call('DELETE', at(name), undefined, { 'if-match': '*' })
    expect(await put(name, value(), { 'if-match': '*' })).toMatchObject({ status: 412 })
    // Made anew, it is another one, although it counts from 1 again.
    const again = await put(name, value())
    expect(again.body.version).toBe(1)
    expect(again.headers.get('etag')).not.toBe(tag)
  })

  it('is listed by name and environment, page by page', async () => {
    const name = named()
    for (const environment of ['production', 'development']) await call('PUT', at(name, environment), { value: value() })
    await call('PUT', at(`${name}_B`), { value: value() })
    const pages = []
    let path: string | undefined = `/api/secrets?q=${name.toLowerCase()}&limit=1`
    while (path) {
      const page = await call('GET', path)
      pages.push(...page.body)
      path = /<([^>]+)>/.exec(page.headers.get('link') ?? '')?.[1]
    }
    expect(pages.map((one) => [one.name, one.environment])).toEqual([
      [name, 'development'],
      [name, 'production'],
      [`${name}_B`, 'production'],
    ])
    const { body } = await call('GET', `/api/secrets?environment=development&q=${name}`)
    expect(body.map((one: { environment: string }) => one.environment)).toEqual(['development'])
  })

  it.each([
    ['lower', 'PUT', at('lower'), { value: 's3cr3t-value' }, [['/name', 'wrong_format']]],
    ['a digit first', 'PUT', at('1A'), { value: 's3cr3t-value' }, [['/name', 'wrong_format']]],
    ['65 characters', 'PUT', at('A'.repeat(65)), { value: 's3cr3t-value' }, [['/name', 'wrong_format']]],
    ['no value', 'PUT', at('A'), {}, [['/value', 'required']]],
    ['a number', 'PUT', at('A'), { value: 12345678 }, [['/value', 'wrong_type']]],
    ['null', 'PUT', at('A'), { value: null }, [['/value', 'wrong_type']]],
    ['the value alone', 'PUT', at('A'), 's3cr3t-value' as unknown as object, [['', 'wrong_type']]],
    ['seven characters', 'PUT', at('A'), { value: '  1234567\n' }, [['/value', 'too_short']]],
    ['too much', 'PUT', at('A'), { value: 'ü'.repeat(16_385) }, [['/value', 'too_long']]],
    ['more than a value', 'PUT', at('A'), { value: 's3cr3t-value', note: 'x' }, [['/note', 'unknown_field']]],
    ['no environment', 'PUT', at('A', 'staging'), { value: 's3cr3t-value' }, [['/environment', 'unknown_environment']]],
    ['no environment, looked at', 'GET', at('A', 'staging'), undefined, [['/environment', 'unknown_environment']]],
    ['no environment in a list', 'GET', '/api/secrets?environment=staging', undefined, [['?environment', 'unknown_environment']]],
    ['a limit', 'GET', '/api/secrets?limit=501', undefined, [['?limit', 'out_of_range']]],
    ['a cursor', 'GET', '/api/secrets?cursor=x', undefined, [['?cursor', 'wrong_format']]],
  ])('of %s is refused with what is wrong, and never quoted', async (_what, method, path, body, problems) => {
    const answer = await call(method, path, body)
    expect([answer.status, problemsOf(answer)]).toEqual([422, problems])
    for (const word of ['s3cr3t', '1234567', 'üü']) expect(JSON.stringify(answer.body)).not.toContain(word)
  })

  it('may have 32,768 bytes', async () => {
    expect((await put(named(), 'x'.repeat(32_768))).status).toBe(200)
  })
})

describe('a deploy', () => {
  it('is refused where it refers to a secret that the environment lacks, or where no secret belongs', async () => {
    const name = named()
    const workflow = await studio.workflow(
      agent({ model: 'claude-x', api_key: `{{ secrets.${name} }}`, system_prompt: `Use {{ secrets.${name} }}.` }),
    )
    const deploy = (environment: string) =>
      call('POST', `/api/workflows/${workflow}/deploy`, { deployment_name: fresh('refused'), environment })
    const refused = await deploy('production')
    expect([refused.status, refused.body.code, problemsOf(refused)]).toEqual([
      422,
      'workflow_invalid',
      [
        ['/configuration/agents/0/config/api_key', 'unknown_secret'],
        ['/configuration/agents/0/config/system_prompt', 'secret_not_allowed'],
      ],
    ])
    await call('PUT', `/api/workflows/${workflow}`, { configuration: agent({ model: 'claude-x', api_key: `{{ secrets.${name} }}` }) })
    const validate = (query: string) => call('POST', `/api/workflows/${workflow}/validate${query}`)
    expect((await validate('')).body).toEqual({ valid: true, errors: [], warnings: [] })
    expect(problemsOf(await validate('?environment=production'))).toEqual([['/configuration/agents/0/config/api_key', 'unknown_secret']])
    await put(name, value())
    expect((await validate('?environment=production')).body.valid).toBe(true)
    expect((await deploy('production')).status).toBe(200)
    expect((await deploy('development')).status).toBe(422)
  })

  it('is refused with a key that is written out, which an agent that is registered may not have either', async () => {
    const key = `sk-${value()}`
    const workflow = await studio.workflow(agent({ api_key: key }))
    const refused = await call('POST', `/api/workflows/${workflow}/deploy`, { deployment_name: fresh('refused') })
    expect(problemsOf(refused)).toEqual([['/configuration/agents/0/config/api_key', 'secret_in_plain_text']])
    const registered = await call('POST', '/api/agents', { name: fresh('Agent'), config: { api_key: key } })
    expect([registered.status, problemsOf(registered)]).toEqual([422, [['/config/api_key', 'secret_in_plain_text']]])
    const trail = await call('GET', `/api/audit?object=${workflow}`)
    expect(trail.body[0].after.configuration.agents[0].config).toMatchObject({ api_key: '[hidden]' })
    for (const { body } of [refused, registered, trail]) expect(JSON.stringify(body)).not.toContain(key)
  })

  it('warns of a model without a key until the server or the environment has one', async () => {
    const workflow = await studio.workflow(agent({ model: 'claude-x' }))
    const warnings = async (environment: string) =>
      (await studio.deploy(workflow, fresh('warned'), { environment })).warnings.map(({ code }: { code: string }) => code)
    expect(await warnings('production')).toEqual(['model_not_configured'])
    await put('ANTHROPIC_API_KEY', value())
    expect(await warnings('production')).toEqual([])
    expect(await warnings('development')).toEqual(['model_not_configured'])
    const { body } = await call('GET', at('ANTHROPIC_API_KEY'))
    expect(body.used_by.deployments.length).toBeGreaterThan(0)
    await call('DELETE', `${at('ANTHROPIC_API_KEY')}?force=true`)
    expect(await warnings('production')).toEqual(['model_not_configured'])
  })

  it('keeps in mind what it refers to, so that nobody deletes it by mistake', async () => {
    const name = named()
    await put(name, value())
    const configuration = agent({ api_key: `{{ secrets.${name} }}` })
    const workflow_id = await studio.workflow(configuration)
    const { name: workflowName } = (await call('GET', `/api/workflows/${workflow_id}`)).body
    const deployment_name = fresh('uses')
    await studio.deploy(workflow_id, deployment_name)
    const registered = await call('POST', '/api/agents', { name: fresh('Agent'), config: { api_key: `{{ secrets.${name} }}` } })
    expect((await call('GET', at(name))).body.used_by).toEqual({
      deployments: [{ deployment_name, environment: 'production', status: 'active', release: 1 }],
      workflows: [{ workflow_id, name: workflowName, version: '1.0.0' }],
      agents: [{ agent_id: registered.body.agent_id, name: registered.body.name }],
    })
    expect(await call('DELETE', at(name))).toMatchObject({
      status: 409,
      body: { code: 'secret_in_use', deployments: [{ deployment_name, environment: 'production' }] },
    })
    // A release that does not serve any more is no reason to keep it.
    await call('PUT', `/api/workflows/${workflow_id}`, { configuration: echo })
    await studio.deploy(workflow_id, deployment_name)
    expect((await call('GET', at(name))).body.used_by).toMatchObject({ deployments: [], workflows: [] })
    expect((await call('DELETE', at(name))).status).toBe(200)
  })
})

describe('the key of a provider', () => {
  const keyOf = (model: string) => models.requests(model).map(({ headers }) => headers.authorization)

  it('is the secret that the agent names, as it is at the moment of the call, without another deploy', async () => {
    const name = named()
    const [first, second] = [value(), value()]
    await put(name, first)
    const model = models.model(() => ({ text: 'ok' }))
    const deployment_name = fresh('keyed')
    await studio.deployed(deployment_name, agent({ model, api_key: `{{ secrets.${name} }}` }))
    await studio.execute({ deployment_name, query: '?' })
    await put(name, second)
    await studio.execute({ deployment_name, query: '?' })
    expect(keyOf(model)).toEqual([`Bearer ${first}`, `Bearer ${second}`])
  })

  it('is the secret with the name of its environment variable, in that environment', async () => {
    const key = value()
    const model = models.model(() => ({ text: 'ok' }))
    const workflow = await studio.workflow(agent({ model }))
    const deployment_name = fresh('keyed')
    for (const environment of ['development', 'production']) await studio.deploy(workflow, deployment_name, { environment })
    await put('OPENAI_API_KEY', key)
    for (const environment of ['development', 'production']) await studio.execute({ deployment_name, environment, query: '?' })
    await call('DELETE', `${at('OPENAI_API_KEY')}?force=true`)
    await studio.execute({ deployment_name, environment: 'production', query: '?' })
    expect(keyOf(model)).toEqual([undefined, `Bearer ${key}`, undefined])
  })

  it('that was deleted since fails the execution, which says how to mend that; stored again, it goes on', async () => {
    const name = named()
    await put(name, value())
    const model = models.model(() => ({ text: 'ok' }))
    const deployment_name = fresh('keyed')
    await studio.deployed(deployment_name, agent({ model, api_key: `{{ secrets.${name} }}` }))
    await call('DELETE', `${at(name)}?force=true`)
    const failed = await studio.execute({ deployment_name, query: '?' })
    expect(failed).toMatchObject({
      status: 502,
      body: { code: 'secret_missing', detail: expect.stringContaining(at(name)), step_id: 'a#1' },
    })
    expect(models.requests(model)).toEqual([])
    await put(name, value())
    await call('POST', `/api/executions/${failed.body.execution_id}/resume`)
    const ended = await until(async () => {
      const { body } = await call('GET', `/api/executions/${failed.body.execution_id}`)
      return body.ended_at && body
    }, 'the resumed execution to end')
    expect(ended).toMatchObject({ status: 'completed', response: 'ok' })
  })

  it('that no header can carry is said to be so, and not retried', async () => {
    const name = named()
    await put(name, 'line one\nline two')
    const model = models.model(() => ({ text: 'ok' }))
    const deployment_name = fresh('keyed')
    await studio.deployed(deployment_name, agent({ model, api_key: `{{ secrets.${name} }}` }))
    const { status, body } = await studio.execute({ deployment_name, query: '?' })
    expect([status, body.code]).toEqual([502, 'model_refused'])
    expect(body.detail).toContain('a header cannot carry')
    expect(body.detail).not.toContain('line one')
  })

  it('that is missing everywhere is said to be so, with where it may be', async () => {
    const deployment_name = fresh('keyed')
    await studio.deployed(deployment_name, agent({ model: 'gemini-x' }))
    const { body } = await studio.execute({ deployment_name, query: '?' })
    expect(body).toMatchObject({
      code: 'model_not_configured',
      detail: expect.stringContaining('PUT /api/secrets/production/GOOGLE_GENERATIVE_AI_API_KEY'),
    })
  })
})

describe('a secret that a model says', () => {
  it('is hidden in the answer, the stream and the steps alike, however it comes', async () => {
    const secret = value()
    await put(named(), secret)
    const pieces = Array.from(`Before ${secret} and ${Buffer.from(secret).toString('base64')} after`)
    const model = models.model(() => ({ pieces }))
    const deployment_name = fresh('says')
    await studio.deployed(deployment_name, agent({ model }))
    const events = await readEvents(await studio.stream({ deployment_name, query: '?' }))
    const { response, execution_id } = events.at(-1)!.data
    expect(response).toMatch(/^Before \[hidden\] and \[hidden\]\S{0,3} after$/)
    expect(remainingText(events)).toBe(response)
    expect(JSON.stringify(events)).not.toContain(secret)
    const [step] = (await call('GET', `/api/executions/${execution_id}/steps`)).body
    expect(step.output.text).toBe(response)
  })

  it('is taken back whole when the attempt breaks off in the middle of it', async () => {
    const secret = value()
    await put(named(), secret)
    const pieces = ['One ', secret.slice(0, 9), secret.slice(9), ' two ', secret.slice(0, 9)]
    const model = models.model((request) => (request === 1 ? { pieces, breakAfter: 5 } : { text: 'Done.' }))
    const deployment_name = fresh('says')
    await studio.deployed(deployment_name, agent({ model }))
    const events = await readEvents(await studio.stream({ deployment_name, query: '?' }))
    const retry = events.find(({ data }) => data.type === 'retry')!
    expect(retry.data.discard).toBe('One [hidden] two '.length)
    expect(remainingText(events)).toBe('Done.')
    expect(events.at(-1)!.data.response).toBe('Done.')
  })

  it('is hidden in what is asked, before a model or anybody else sees it', async () => {
    const secret = value()
    await put(named(), secret)
    const model = models.model(() => ({ text: 'ok' }))
    const deployment_name = fresh('asked')
    await studio.deployed(deployment_name, agent({ model }))
    const { body } = await studio.execute({
      deployment_name,
      query: `My key is ${secret}`,
      chat_history: [{ role: 'user', content: encodeURIComponent(`${secret}=`) }],
      input: { token: secret },
    })
    const execution = await call('GET', `/api/executions/${body.execution_id}`)
    expect(execution.body).toMatchObject({ query: 'My key is [hidden]', input: { token: '[hidden]' } })
    expect(JSON.stringify(execution.body)).not.toContain(secret)
    expect(JSON.stringify(models.requests(model)[0]!.body)).not.toContain(secret)
    expect(JSON.stringify(models.requests(model)[0]!.body)).toContain('My key is [hidden]')
  })
})

describe('without a key file', () => {
  const bare = useStudio()

  it.each([
    ['GET', '/api/secrets', undefined],
    ['GET', at('A'), undefined],
    ['PUT', at('A'), { value: 's3cr3t-value' }],
    ['DELETE', at('A'), undefined],
  ])('%s %s says what to do', async (method, path, body) => {
    expect(await bare.call(method, path, body)).toMatchObject({
      status: 503,
      body: { code: 'secrets_not_configured', detail: expect.stringContaining('agent-studio secret keygen') },
    })
  })

  it('everything else works', async () => {
    await bare.deployed('plain', echo)
    expect((await bare.execute({ deployment_name: 'plain', query: 'Hi' })).body.response).toBe('Hi')
    expect((await bare.call('PUT', '/api/variables/production/A', { value: 'x' })).status).toBe(200)
  })
})

describe('a start', () => {
  const refusal = async (path: string) => {
    const { code, stderr } = await runCommand(folder, ['serve'], { AGENT_STUDIO_SECRET_KEY_FILE: path })
    expect(code).toBe(1)
    return stderr.trim()
  }

  it('is refused with a key file that is missing, malformed, or readable by others', async () => {
    const path = (name: string) => join(folder, name)
    writeFileSync(path('open'), `${randomBytes(32).toString('hex')}\n`, { mode: 0o644 })
    writeFileSync(path('wrong'), 'my password\n', { mode: 0o600 })
    const named_ = (name: string) => `The key file ${path(name)}, which AGENT_STUDIO_SECRET_KEY_FILE names, `
    expect(await refusal(path('none'))).toBe(`${named_('none')}does not exist.`)
    expect(await refusal(path('open'))).toBe(
      `${named_('open')}can be read or written by others than its owner (its mode is 644; chmod 600 mends that).`,
    )
    expect(await refusal(path('wrong'))).toBe(
      `${named_('wrong')}is malformed in line 1: a key is 32 random bytes, as 64 hexadecimal digits or 44 characters of base64.`,
    )
  })
})
