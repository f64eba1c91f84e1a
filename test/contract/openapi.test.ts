import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Compile } from 'typebox/compile'
import type { TSchema } from 'typebox'
import type { OpenApiDocument } from '../../src/http/openapi.ts'
import { schemaAt, type JsonSchema } from '../../src/http/json-schema.ts'
import { until, type Answer } from '../support/api.ts'
import { writeKeyFile } from '../support/secrets.ts'
import { removeFolder, temporaryFolder } from '../support/server.ts'
import { agents, echo, fresh, useStudio } from '../support/studio.ts'

const keys = temporaryFolder()
afterAll(() => removeFolder(keys))
const studio = useStudio(() => ({ AGENT_STUDIO_SECRET_KEY_FILE: writeKeyFile(keys) }))
let document: OpenApiDocument
beforeAll(async () => {
  document = (await studio.call('GET', '/openapi.json')).body
})

/** The schema with its references put in place, and every object closed: a field that is not documented is a fault, too. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed)
  if (value === null || typeof value !== 'object') return value
  const schema = value as JsonSchema
  if (schema.$ref) return closed(schemaAt(document as JsonSchema, schema.$ref))
  const copy = Object.fromEntries(Object.entries(schema).map(([key, member]) => [key, closed(member)]))
  return schema.properties && schema.additionalProperties === undefined ? { ...copy, additionalProperties: false } : copy
}

/** What is documented for this answer, and how the answer differs from it. */
function differences(method: string, path: string, answer: Answer): unknown[] {
  const responses = document.paths[path]?.[method.toLowerCase()]?.responses
  const documented = responses?.[answer.status] ?? responses?.['default']
  const response = documented?.$ref ? (schemaAt(document as JsonSchema, documented.$ref) as typeof documented) : documented
  const type = answer.headers.get('content-type')!.split(';')[0]!
  const schema = response?.content?.[type]?.schema
  if (!schema) return [`${method} ${path} documents no ${answer.status} of ${type}`]
  const isProblem = type === 'application/problem+json'
  const validator = Compile((isProblem ? schemaWithoutRefs(schema) : closed(schema)) as TSchema)
  return validator.Check(answer.body) ? [] : validator.Errors(answer.body).map(({ instancePath, message }) => `${instancePath} ${message}`)
}

/** A problem may have further members, such as `execution_id`. */
function schemaWithoutRefs(schema: JsonSchema): JsonSchema | undefined {
  return schema.$ref ? schemaAt(document as JsonSchema, schema.$ref) : schema
}

const byName = '/api/workflows/deployments/{deployment_name}'
const byId = '/api/workflows/{workflow_id}'

describe('/openapi.json', () => {
  it('is OpenAPI 3.1', () => {
    expect(document.openapi).toMatch(/^3\.1\./)
    expect(document.info).toMatchObject({ title: 'Agent Studio', version: expect.any(String) })
  })

  it.each([
    ['/api/workflows', ['get', 'post']],
    [byId, ['get', 'put', 'delete']],
    [`${byId}/agents`, ['post']],
    [`${byId}/connections`, ['post']],
    [`${byId}/deploy`, ['post']],
    [`${byId}/validate`, ['post']],
    ['/api/workflows/deployments', ['get']],
    ['/api/workflows/deployments/active', ['get']],
    [byName, ['get', 'delete']],
    [`${byName}/stop`, ['post']],
    [`${byName}/reactivate`, ['post']],
    ['/api/workflows/execute', ['post']],
    ['/api/workflows/execute/stream', ['post']],
    ['/api/agents', ['get', 'post']],
    ['/api/agents/{agent_id}', ['get', 'put', 'delete']],
    ['/api/agents/name/{name}', ['get']],
    ['/api/agents/deployment/available', ['get']],
    ['/api/executions', ['get']],
    ['/api/executions/{execution_id}', ['get']],
    ['/api/executions/{execution_id}/steps', ['get']],
    ['/api/executions/{execution_id}/events', ['get']],
    ['/hc', ['get']],
    ['/healthz', ['get']],
    ['/readyz', ['get']],
    ['/metrics', ['get']],
  ])('describes %s', (path, methods) => {
    expect(Object.keys(document.paths[path] ?? {})).toEqual(expect.arrayContaining(methods))
    for (const method of methods)
      expect(document.paths[path]![method]).toMatchObject({ operationId: expect.any(String), summary: expect.any(String) })
  })

  it('names every parameter of an address, and gives each operation an id of its own', () => {
    const ids: string[] = []
    for (const [path, item] of Object.entries(document.paths)) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1])
      for (const { operationId, parameters = [] } of Object.values(item)) {
        ids.push(operationId!)
        expect([path, parameters.filter((one) => one.in === 'path').map((one) => one.name)]).toEqual([path, inPath])
      }
    }
    expect(new Set(ids).size).toBe(ids.length)
  })

  // The server compiles a schema when the first request to its route comes, so no start would find one that is broken.
  it('has schemas that can be compiled', () => {
    const operations = Object.values(document.paths).flatMap((item) => Object.values(item))
    const parameters = operations.flatMap(({ parameters = [] }) => parameters.map((one) => ('schema' in one ? one.schema : undefined)))
    const bodies = operations.flatMap(({ requestBody }) => Object.values(requestBody?.content ?? {}).map((media) => media.schema))
    const schemas = [...parameters, ...bodies].filter((schema) => schema !== undefined)
    expect(schemas.length).toBeGreaterThan(50)
    for (const schema of schemas) expect(() => Compile(closed(schema) as TSchema), JSON.stringify(schema)).not.toThrow()
  })

  it('describes the metrics as text, under the operations', () => {
    const { tags, responses } = document.paths['/metrics']!['get']!
    expect([tags, Object.keys(responses['200']!.content!)]).toEqual([['operations'], ['text/plain']])
  })

  it('describes the streams as such, and that there may be nothing more to follow', () => {
    for (const [path, method] of [
      ['/api/workflows/execute/stream', 'post'] as const,
      ['/api/executions/{execution_id}/events', 'get'] as const,
    ]) {
      expect(Object.keys(document.paths[path]![method]!.responses['200']!.content!)).toEqual(['text/event-stream'])
    }
    const { responses } = document.paths['/api/executions/{execution_id}/events']!['get']!
    expect(Object.keys(responses)).toContain('204')
    expect(Object.keys(document.paths['/api/workflows/execute/stream']!['post']!.responses)).not.toContain('204')
  })
})

describe('every answer is as it is described', () => {
  /** Makes the call and holds the answer against the document. */
  async function check(
    method: string,
    path: string,
    values: Record<string, string> = {},
    body?: unknown,
    status = 200,
  ): Promise<Answer['body']> {
    const address = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name]!)
    const answer = await studio.call(method, address, body)
    expect([method, address, answer.status, differences(method, path, answer)]).toEqual([method, address, status, []])
    return answer.body
  }

  it('on the way of a workflow from its creation to its deletion', async () => {
    const sent = { name: fresh('described'), configuration: {}, description: 'All of it', tags: ['a'], created_by: 'ann' }
    const { workflow_id } = await check('POST', '/api/workflows', {}, sent)
    const id = { workflow_id }
    const node = { agent_id: 'CommandAgent', node_id: 'a', position_x: 1, agent_config: { model: 'demo/echo' } }
    await check('POST', `${byId}/agents`, id, node)
    await check('POST', `${byId}/agents`, id, { agent_id: 'WebAgent', node_id: 'b' })
    await check('POST', `${byId}/connections`, id, {
      source_agent_id: 'a',
      target_agent_id: 'b',
      conditions: { x: 1 },
      source_handle: 'out',
    })
    await check('PUT', byId, id, { description: 'Changed' })
    await check('POST', `${byId}/validate`, id)
    const name = fresh('described')
    const deployment = { deployment_name: name }
    await check('POST', `${byId}/deploy`, id, { ...deployment, deployed_by: 'ann', runtime_config: { timeout: 60 } })
    await check('POST', `${byId}/deploy`, id, deployment)
    await check('GET', byId, id)
    await check('GET', '/api/workflows')
    await check('DELETE', byId, id, undefined, 409)
    await check('GET', '/api/workflows/deployments/active')
    await check('GET', '/api/workflows/deployments')

    const { execution_id } = await check(
      'POST',
      '/api/workflows/execute',
      {},
      { ...deployment, query: 'x', input: [1], session_id: 's', user_id: 'u' },
    )
    const keyless = fresh('keyless')
    await studio.deployed(keyless, agents({ agent_id: 'a', config: { model: 'gpt-4o' } }))
    const failed = await check('POST', '/api/workflows/execute', {}, { deployment_name: keyless, query: 'x' }, 502)
    for (const execution of [{ execution_id }, { execution_id: failed.execution_id }]) {
      await check('GET', '/api/executions/{execution_id}', execution)
      await check('GET', '/api/executions/{execution_id}/steps', execution)
    }
    await check('GET', '/api/executions')

    await check('GET', byName, deployment)
    await check('POST', `${byName}/stop`, deployment)
    await check('GET', byName, deployment)
    await check('POST', `${byName}/reactivate`, deployment)
    await check('DELETE', byName, deployment)
    await check('DELETE', byId, id)
  })

  it('while an execution runs', async () => {
    const name = fresh('running')
    await studio.deployed(name, agents({ agent_id: 'a', config: { model: 'demo/assistant' } }))
    const { execution_id } = await studio.startLong(name)
    const execution = { execution_id }
    await until(async () => (await studio.call('GET', `/api/executions/${execution_id}/steps`)).body.length === 1, 'the step has begun')
    await check('GET', '/api/executions/{execution_id}', execution)
    await check('GET', '/api/executions/{execution_id}/steps', execution)
    await check('GET', byName, { deployment_name: name })
    await check('DELETE', byName, { deployment_name: name })
  })

  it('for agents', async () => {
    const agent = await check('POST', '/api/agents', {}, { name: fresh('Agent'), config: { model: 'demo/echo' } })
    await check('GET', '/api/agents')
    await check('GET', '/api/agents/deployment/available')
    await check('GET', '/api/agents/name/{name}', agent)
    await check('GET', '/api/agents/{agent_id}', agent)
    await check('PUT', '/api/agents/{agent_id}', agent, { description: 'x' })
    await check('POST', '/api/agents', {}, { name: agent.name }, 409)
    await check('DELETE', '/api/agents/{agent_id}', agent)
    await check('GET', '/api/agents/{agent_id}', agent, undefined, 404)
  })

  it('where something is wrong', async () => {
    const nothing = '00000000-0000-4000-8000-000000000000'
    await check('GET', byId, { workflow_id: nothing }, undefined, 404)
    await check('GET', '/api/executions/{execution_id}', { execution_id: nothing }, undefined, 404)
    await check('POST', '/api/workflows', {}, { extra: 1 }, 422)
    await check('POST', '/api/workflows/execute', {}, { deployment_name: 'nobody', query: 'x' }, 404)
    await check('POST', '/api/workflows/execute/stream', {}, { deployment_name: 'nobody', query: 'x' }, 404)
    await check('POST', `${byId}/deploy`, { workflow_id: await studio.workflow({}) }, { deployment_name: fresh('bad') }, 422)
  })

  it.each(['/hc', '/healthz', '/readyz'])('for %s', (path) => check('GET', path))
})

it('gives examples of bodies that the server takes', async () => {
  const workflow_id = await studio.workflow(echo)
  const deployment_name = fresh('example')
  // Two releases of which one can be rolled back, and what can be promoted.
  for (const timeout of [60, 90]) {
    await studio.deploy(workflow_id, deployment_name, { environment: 'development', runtime_config: { timeout } })
  }
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, one]) => ({ path, method, ...one })),
  )
  // From the first key on this server would want one: keys.test.ts takes that example.
  const open = operations.filter(({ path }) => path !== '/api/keys')
  const withExample = open.filter((one) => one.requestBody?.content['application/json']?.example !== undefined)
  expect(withExample.map((one) => one.operationId)).toEqual(expect.arrayContaining(['deployWorkflow', 'execute']))
  for (const { path, method, requestBody } of withExample) {
    const filled: Record<string, string> = { workflow_id, deployment_name, environment: 'development', name: 'EXAMPLE' }
    const address = studio.url + path.replaceAll(/\{(\w+)\}/g, (_, name: string) => filled[name]!)
    const response = await fetch(address, {
      // fetch takes 'get' for GET, but not 'patch' for PATCH.
      method: method.toUpperCase(),
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(requestBody!.content['application/json']!.example),
    })
    expect([path, response.ok, await response.text()]).toEqual([path, true, expect.any(String)])
  }
})
