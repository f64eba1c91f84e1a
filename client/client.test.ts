import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fresh } from '../test/support/studio.ts'
import { removeFolder, startServer, temporaryFolder, type TestServer } from '../test/support/server.ts'
import { AgentStudio, AnswerNotUnderstood, ServerUnreachable, StudioProblem } from './index.ts'

const configuration = { agents: [{ agent_id: 'a', config: { model: 'demo/echo' } }] }

describe('a client', () => {
  const folder = temporaryFolder()
  let server: TestServer
  let studio: AgentStudio
  beforeAll(async () => {
    server = await startServer(folder)
    studio = new AgentStudio({ url: server.url })
  })
  afterAll(async () => {
    await server.stop()
    removeFolder(folder)
  })

  it('calls what the API has, by its names', async () => {
    const name = fresh('called')
    const workflow = await studio.call('createWorkflow', { body: { name, configuration } })
    const deployed = await studio.call('deployWorkflow', {
      path: { workflow_id: workflow.workflow_id },
      body: { deployment_name: name, environment: 'development' },
    })
    expect(deployed).toMatchObject({ deployment_name: name, release: { number: 1 } })
    const answer = await studio.call('execute', { body: { deployment_name: name, query: 'Hello' } })
    expect(answer).toMatchObject({ status: 'success', response: 'Hello', deployment_name: name })
  })

  it('throws a problem with its code, status and places', async () => {
    const refused = studio.call('createWorkflow', { body: { name: '', configuration } })
    await expect(refused).rejects.toBeInstanceOf(StudioProblem)
    await expect(refused).rejects.toMatchObject({ code: 'invalid_input', status: 422, errors: [{ pointer: '/name' }] })
    await expect(studio.call('getDeployment', { path: { deployment_name: 'nowhere' } })).rejects.toMatchObject({
      code: 'deployment_not_found',
      status: 404,
    })
  })

  it('names the execution that failed', async () => {
    const name = fresh('failing')
    const workflow = await studio.call('createWorkflow', {
      body: { name, configuration: { agents: [{ agent_id: 'a', config: { model: 'demo/assistant' } }] } },
    })
    await studio.call('deployWorkflow', {
      path: { workflow_id: workflow.workflow_id },
      body: { deployment_name: name, environment: 'development', runtime_config: { max_retries: 0 } },
    })
    const problem: StudioProblem = await studio.call('execute', { body: { deployment_name: name, query: 'please fail for good' } }).then(
      () => Promise.reject(new Error('it did not fail')),
      (error: StudioProblem) => error,
    )
    const execution = await studio.call('getExecution', { path: { execution_id: problem.executionId! } })
    expect(execution.status).toBe('failed')
  })

  it('gives lists item by item over their pages', async () => {
    const names = Array.from({ length: 5 }, () => fresh('PAGED').replaceAll('-', '_'))
    for (const name of names) await studio.call('putVariable', { path: { environment: 'development', name }, body: { value: 'x' } })
    const found = await Array.fromAsync(studio.list('listVariables', { query: { limit: 2 } }))
    expect(found.map(({ name }) => name)).toEqual(expect.arrayContaining(names))
  })

  it('gives the ETag to those who want to change only what they saw', async () => {
    const path = { environment: 'development', name: fresh('TAGGED').replaceAll('-', '_') }
    await studio.call('putVariable', { path, body: { value: 'one' } })
    const { etag } = await studio.callWithTag('getVariable', { path })
    await studio.call('putVariable', { path, body: { value: 'two' } })
    const stale = studio.call('putVariable', { path, body: { value: 'three' } }, { headers: { 'if-match': etag! } })
    await expect(stale).rejects.toMatchObject({ status: 412, code: 'precondition_failed' })
  })
})

/** A server that answers as the test says, and keeps what it was asked. */
async function scripted(answer: (request: IncomingMessage, response: ServerResponse, count: number) => void) {
  const asked: { method: string; url: string; key: string | undefined }[] = []
  const server = createServer((request, response) => {
    request.resume()
    asked.push({ method: request.method!, url: request.url!, key: request.headers['idempotency-key'] as string | undefined })
    answer(request, response, asked.length)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, asked, close: () => new Promise<void>((resolve) => (server.closeAllConnections(), server.close(() => resolve()))) }
}

function problem(response: ServerResponse, status: number, code: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/problem+json', ...headers })
  response.end(JSON.stringify({ type: '', title: '', status, detail: 'No.', code }))
}

function json(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

const stopping = { path: { deployment_name: 'poet' }, body: {} }

describe('a client of a server that is busy, stops or is not there', () => {
  it.each([429, 503])('waits as long as %i asks for, and asks again with the same key', async (status) => {
    const server = await scripted((_, response, count) => {
      if (count < 3) problem(response, status, 'server_busy', { 'retry-after': '1' })
      else json(response, { message: 'done' })
    })
    const waits: number[] = []
    const studio = new AgentStudio({ url: server.url, onRetry: ({ wait }) => waits.push(wait) })
    expect(await studio.call('stopDeployment', stopping)).toEqual({ message: 'done' })
    await server.close()
    expect(waits).toEqual([1, 1])
    const keys = new Set(server.asked.map(({ key }) => key))
    expect(keys.size).toBe(1)
    expect([...keys][0]).toMatch(/^[0-9a-f]{32}$/)
  })

  it('sends what changes nothing without a key, and another key with another call', async () => {
    const server = await scripted((_, response) => json(response, []))
    const studio = new AgentStudio({ url: server.url })
    await studio.call('listWorkflows')
    await studio.call('stopDeployment', stopping)
    await studio.call('stopDeployment', stopping)
    await server.close()
    const [list, one, other] = server.asked
    expect(list!.key).toBeUndefined()
    expect(one!.key).not.toBe(other!.key)
  })

  it('sends the key of the caller instead of one of its own, however its name is written', async () => {
    const server = await scripted((_, response) => json(response, { message: 'done' }))
    const studio = new AgentStudio({ url: server.url })
    for (const name of ['Idempotency-Key', 'idempotency-key'])
      await studio.call('stopDeployment', stopping, { headers: { [name]: 'mine' } })
    await server.close()
    expect(server.asked.map(({ key }) => key)).toEqual(['mine', 'mine'])
  })

  it('asks again when the connection breaks', async () => {
    const server = await scripted((request, response, count) => {
      if (count === 1) request.socket.destroy()
      else json(response, { message: 'done' })
    })
    const studio = new AgentStudio({ url: server.url })
    expect(await studio.call('stopDeployment', stopping)).toEqual({ message: 'done' })
    await server.close()
    expect(server.asked[0]!.key).toBe(server.asked[1]!.key)
  })

  it('does not repeat what would be refused again, nor what asks for a longer wait than it has', async () => {
    const server = await scripted((request, response) => {
      if (request.url === '/api/workflows') problem(response, 503, 'server_busy', { 'retry-after': '3600', 'x-request-id': 'r-1' })
      else
        problem(
          response,
          request.url === '/api/secrets' ? 503 : 409,
          request.url === '/api/secrets' ? 'secrets_not_configured' : 'execution_ended',
        )
    })
    const studio = new AgentStudio({ url: server.url })
    await expect(studio.call('listWorkflows')).rejects.toMatchObject({ status: 503, retryAfter: 3_600, requestId: 'r-1' })
    await expect(studio.call('listSecrets')).rejects.toMatchObject({ code: 'secrets_not_configured' })
    await expect(studio.call('stopDeployment', stopping)).rejects.toMatchObject({ status: 409 })
    await server.close()
    expect(server.asked).toHaveLength(3)
  })

  it('gives up after its retries, and says who does not answer and why', async () => {
    const { url, close } = await scripted(() => {})
    await close()
    const studio = new AgentStudio({ url, retries: 1 })
    const refused = studio.call('listWorkflows')
    await expect(refused).rejects.toBeInstanceOf(ServerUnreachable)
    await expect(refused).rejects.toThrow(/ECONNREFUSED/)
  })

  it('stops at once when its signal is aborted, in a wait or in a request', async () => {
    const server = await scripted((request, response) => {
      if (request.url === '/api/workflows') problem(response, 503, 'server_busy', { 'retry-after': '30' })
    })
    const studio = new AgentStudio({ url: server.url })
    for (const name of ['listWorkflows', 'listKeys'] as const) {
      const controller = new AbortController()
      const asked = studio.call(name, {}, { signal: controller.signal })
      const before = server.asked.length
      while (server.asked.length === before) await new Promise((resolve) => setTimeout(resolve, 5))
      controller.abort(new Error('enough'))
      await expect(asked).rejects.toThrow('enough')
    }
    await server.close()
  })

  it('does not take somebody else for the server', async () => {
    const server = await scripted((request, response) => {
      response.writeHead(request.url === '/api/workflows' ? 404 : 200, {
        'content-type': request.url === '/api/keys' ? 'application/json' : 'text/html',
      })
      response.end('<html>')
    })
    const studio = new AgentStudio({ url: server.url, retries: 0 })
    await expect(studio.call('listWorkflows')).rejects.toBeInstanceOf(AnswerNotUnderstood)
    await expect(studio.call('listKeys')).rejects.toBeInstanceOf(AnswerNotUnderstood)
    await server.close()
  })

  it('asks for what it was called for, whatever a name is', async () => {
    const server = await scripted((_, response) => json(response, {}))
    const studio = new AgentStudio({ url: server.url })
    await studio.call('deleteSecret', { path: { environment: '..', name: '.' } })
    await studio.call('deleteSecret', { path: { environment: 'a/b', name: '..%2F' } })
    await server.close()
    expect(server.asked.map(({ url }) => url)).toEqual(['/api/secrets/%252E%252E/%252E', '/api/secrets/a%2Fb/..%252F'])
  })

  it('shows nothing of a key that cannot be one', () => {
    expect(() => new AgentStudio({ url: 'http://127.0.0.1:9', apiKey: 'as_hidden\nhidden' })).toThrow(/^(?!.*hidden).*API key/)
  })

  it('follows no redirect, so that its key goes nowhere else', async () => {
    const server = await scripted((_, response) => {
      response.writeHead(302, { location: 'http://127.0.0.1:9/' })
      response.end()
    })
    const studio = new AgentStudio({ url: server.url, apiKey: 'as_x' })
    const refused = studio.call('listWorkflows')
    await expect(refused).rejects.toBeInstanceOf(AnswerNotUnderstood)
    await expect(refused).rejects.toThrow('a redirect to http://127.0.0.1:9/')
    await server.close()
    // Asked again it would answer the same.
    expect(server.asked).toHaveLength(1)
  })
})
