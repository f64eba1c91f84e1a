import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { call, readEvents, remainingText, until } from './support/api.ts'
import { startScriptedModel, type Reply, type ScriptedModel } from './support/scripted-model.ts'
import { removeFolder, startServer, temporaryFolder, type TestServer } from './support/server.ts'
import { deployAgents } from './support/workflows.ts'

/** How a real process ends when it is told to. */

let folder: string
let model: ScriptedModel
let server: TestServer

beforeEach(async () => {
  folder = temporaryFolder()
  model = await startScriptedModel()
})
afterEach(async () => {
  await server.kill()
  await model.close()
  removeFolder(folder)
})

/** @param seconds for executions that run, once it is told to stop */
async function start(seconds: number): Promise<void> {
  server = await startServer(folder, { OPENAI_BASE_URL: model.baseUrl, AGENT_STUDIO_SHUTDOWN_SECONDS: String(seconds) })
}

const deployed = () => deployAgents(server, [{ agent_id: 'a', config: { model: 'gpt-4o' } }])
const get = (path: string) => call(server.url, 'GET', path)
const post = (path: string, body?: unknown) => call(server.url, 'POST', path, body)
const execute = (deployment_name: string) => post('/api/workflows/execute', { deployment_name, query: 'go' })
const stream = (deployment_name: string, query = 'go') =>
  fetch(`${server.url}/api/workflows/execute/stream`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ deployment_name, query }),
  })
const follow = (id: string, after: number) =>
  fetch(`${server.url}/api/executions/${id}/events`, { headers: { 'last-event-id': String(after) } })
const stopping = () => until(async () => (await get('/readyz')).status === 503, 'the server to stop')

/** @returns exit code and seconds */
async function terminate(): Promise<{ code: number | null; seconds: number }> {
  const began = performance.now()
  const code = await server.stop()
  return { code, seconds: (performance.now() - began) / 1_000 }
}

describe('a server that is told to stop', () => {
  it('is not ready from then on, takes no new work, answers who looks, and ends when the last execution has', async () => {
    await start(60)
    const name = await deployed()
    const gate = Promise.withResolvers<Reply>()
    model.script(() => gate.promise)
    const answer = execute(name)
    await until(async () => model.requests.length === 1, 'the model call')
    const [running] = (await get('/api/executions?status=running')).body
    expect(await get('/readyz')).toMatchObject({ status: 200, body: { status: 'ready' } })

    const ended = terminate()
    await stopping()
    expect(await get('/readyz')).toMatchObject({ status: 503, body: { code: 'shutting_down' } })
    expect(await get('/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } })
    const changes: [string, string, object?][] = [
      ['POST', '/api/workflows/execute', { deployment_name: name, query: 'more' }],
      ['POST', '/api/workflows/execute/async', { deployment_name: name, query: 'more' }],
      ['POST', '/api/workflows/execute/stream', { deployment_name: name, query: 'more' }],
      ['POST', '/api/workflows', { name: 'new', configuration: {} }],
      ['POST', `/api/workflows/deployments/${name}/stop`],
      ['DELETE', `/api/workflows/deployments/${name}`],
    ]
    for (const [method, path, body] of changes) {
      const refused = await call(server.url, method, path, body)
      expect([path, refused.status, refused.body.code]).toEqual([path, 503, 'shutting_down'])
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(refused.headers.get('connection')).toBe('close')
    }
    expect((await get(`/api/executions/${running.execution_id}`)).body.status).toBe('running')
    const events = readEvents(await follow(running.execution_id, 1))
    expect(await (await fetch(`${server.url}/metrics`)).text()).toContain('agent_studio_open_streams 1\n')

    gate.resolve({ text: 'finished' })
    expect(await answer).toMatchObject({ status: 200, body: { response: 'finished' } })
    expect((await events).at(-1)!.data).toMatchObject({ status: 'completed', response: 'finished' })
    const { code, seconds } = await ended
    expect(code).toBe(0)
    expect(seconds).toBeLessThan(30)
  })

  it('breaks off its streams in time and tells them to come back, and the next one goes on with them without a gap', async () => {
    await start(1)
    const name = await deployed()
    model.script({ pieces: ['One ', 'two ', 'three '], delayMs: 60, hangAfter: 2 })
    const response = await stream(name)
    const reader = textOf(response)
    await until(async () => reader.text().includes('two '), 'the second piece')
    const executionId = /"execution_id":"([^"]+)"/.exec(reader.text())![1]!
    const follower = textOf(await follow(executionId, 0))
    await until(async () => follower.text().includes('two '), 'the follower to be as far')

    const { code, seconds } = await terminate()
    expect(code).toBe(0)
    expect(seconds).toBeGreaterThan(0.9)
    expect(seconds).toBeLessThan(3)
    for (const text of [await reader.end, await follower.end]) {
      // No end, and nothing that a client would take for an event.
      expect(text).toMatch(/\n\nretry: [12]\d{3}\n: .*Last-Event-ID\n\n$/)
      expect(text.match(/"status":/g)).toHaveLength(1)
    }
    const before = await readEvents(new Response(await reader.end))

    model.script({ pieces: ['Uno ', 'due'] })
    await start(1)
    const after = await readEvents(await follow(executionId, before.at(-1)!.id))
    const all = [...before, ...after]
    expect(all.map(({ id }) => id)).toEqual(all.map((_, index) => index + 1))
    expect(all.at(-1)!.data).toMatchObject({ status: 'completed', response: 'Uno due' })
    expect(remainingText(all)).toBe('Uno due')
    expect((await get(`/api/executions/${executionId}`)).body).toMatchObject({ status: 'completed', recoveries: expect.any(Number) })
  })

  it('leaves executions to the next start at once when it is given no time for them', async () => {
    await start(0)
    const name = await deployed()
    model.script({ hang: true })
    const answer = execute(name)
    await until(async () => model.requests.length === 1, 'the model call')
    const { code, seconds } = await terminate()
    expect([code, (await answer).status]).toEqual([0, 503])
    expect(seconds).toBeLessThan(2)
  })

  it('does not wait when there is nothing to wait for, whoever is still connected', async () => {
    await start(60)
    const idle = connect(Number(new URL(server.url).port), '127.0.0.1')
    await once(idle, 'connect')
    expect((await get('/healthz')).status).toBe(200)
    const { code, seconds } = await terminate()
    expect(code).toBe(0)
    // Measured below 0.1 s on a quiet machine.
    expect(seconds).toBeLessThan(2)
    idle.destroy()
  })

  it('gives clients that are slow the time to take in the rest of their streams', async () => {
    await start(60)
    const { socket, executionId } = await stalledStream(2_000_000)
    const ended = terminate()
    socket.resume()
    let received = ''
    for await (const chunk of socket) received += chunk
    expect(received).toContain(executionId)
    // Chunked to its end, which a cut connection is not.
    expect(received).toMatch(/retry: \d+\n: .*\n\n\r\n0\r\n\r\n$/)
    expect((await ended).code).toBe(0)
  })

  it('is not held up by clients that neither read nor write on', async () => {
    await start(60)
    const { socket } = await stalledStream(4_900_000)
    const writer = connect(Number(new URL(server.url).port), '127.0.0.1')
    writer.on('error', () => undefined)
    writer.write(
      'POST /api/workflows HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n',
    )
    const [go] = (await once(writer, 'data')) as [Buffer]
    expect(go.toString()).toMatch(/^HTTP\/1.1 100 /)
    const { code, seconds } = await terminate()
    expect(code).toBe(0)
    expect(seconds).toBeGreaterThan(0.9)
    expect(seconds).toBeLessThan(3)
    socket.destroy()
    writer.destroy()
  })
})

/** An execution has ended, whose stream waits for a client that reads nothing: more than the system holds for it. */
async function stalledStream(letters: number): Promise<{ socket: Socket; executionId: string }> {
  const deployment_name = await deployAgents(server, [{ agent_id: 'a', config: { model: 'demo/echo' } }])
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  socket.on('error', () => undefined)
  socket.pause()
  // Three times as long when it comes back, in escapes.
  const body = JSON.stringify({ deployment_name, query: 'é'.repeat(letters) })
  const length = Buffer.byteLength(body)
  socket.write(
    `POST /api/workflows/execute/stream HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${body}`,
  )
  const [execution] = await until(async () => {
    const { body: found } = await get('/api/executions?status=completed')
    return found.length === 1 && found
  }, 'the execution to end')
  return { socket, executionId: execution.execution_id }
}

/** What a stream has brought so far, and all of it once it has ended in order. */
function textOf(response: Response): { text(): string; end: Promise<string> } {
  let text = ''
  const read = async (): Promise<string> => {
    const decoder = new TextDecoder()
    for await (const chunk of response.body!) text += decoder.decode(chunk, { stream: true })
    return text
  }
  return { text: () => text, end: read() }
}
