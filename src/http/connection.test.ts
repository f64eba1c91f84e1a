import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import type { App } from './app.ts'
import { type Limits } from './limits.ts'
import { exchange, listen, type TestApp, testApp } from './test-app.ts'

let running: App | undefined
afterEach(async () => {
  running?.server.closeAllConnections()
  await running?.close()
})

async function start(limits: Partial<Limits> = {}): Promise<{ app: App; port: number; logged: TestApp['logged'] }> {
  const { app, logged } = await testApp({ limits })
  running = app
  return { app, port: await listen(app), logged }
}

/** Status and problem of a raw response, after checking that its length is what it says. */
function problemIn(response: string) {
  const [head, body] = response.split('\r\n\r\n', 2) as [string, string]
  expect(Number(/content-length: (\d+)/i.exec(head)?.[1])).toBe(body.length)
  expect(head).toMatch(/content-type: application\/problem\+json/i)
  return { line: head.split('\r\n')[0], head, ...JSON.parse(body) }
}

describe('what is not a request gets a problem all the same', () => {
  test.each([
    ['nonsense\r\n\r\n', 400, 'malformed_request'],
    ['GET /hc HTTP/1.1\r\nHost: localhost\r\nBad Header: x\r\n\r\n', 400, 'malformed_request'],
    ['GET /hc HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'malformed_request'],
    ['GET /hc HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nConnection: close\r\n\r\n', 400, 'malformed_request'],
    [
      'GET /hc HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer a\r\nauthorization: Bearer a\r\nConnection: close\r\n\r\n',
      400,
      'malformed_request',
    ],
    ['POST /bare HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n', 400, 'malformed_request'],
    ['POST /bare HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', 400, 'malformed_request'],
    [`GET /hc HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'header_too_large'],
    ['GET http://evil.example/hc HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 421, 'unknown_host'],
    ['GET http://localhost/hc HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n', 421, 'unknown_host'],
    ['GET /hc HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n', 421, 'unknown_host'],
    ['GET /hc HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n', 421, 'unknown_host'],
    ['CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n', 405, 'method_not_allowed'],
    ['GET hc HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 400, 'malformed_request'],
  ])('%j', async (bytes, status, code) => {
    const { port, logged } = await start()
    expect(problemIn(await exchange(port, bytes))).toMatchObject({ status, code })
    expect(logged.filter(({ level }) => level > 30)).toEqual([])
  })

  test.each([
    ['GET /hc?q=é HTTP/1.1\r\nHost: localhost\r\n\r\n', 'the address has a character that must be encoded, such as %C3%BC'],
    ['GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n', 'Expected HTTP/'],
    [`POST /bare HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1;${'x'.repeat(20_000)}\r\n`, 'Chunk extensions'],
  ])('that says what was wrong with it: %j', async (bytes, why) => {
    const { port } = await start()
    const problem = problemIn(await exchange(port, bytes))
    expect(problem).toMatchObject({ status: 400, code: 'malformed_request', detail: expect.stringContaining(why) })
  })

  test.each([
    'GET /hc HTTP/1.0\r\n\r\n',
    'GET http://localhost:1/hc HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    'GET /hc HTTP/1.1\r\nHost: localhost\r\nExpect: miracles\r\nConnection: close\r\n\r\n',
    'GET /hc HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: upgrade, close\r\n\r\n',
  ])('%j is one', async (bytes) => {
    const { port } = await start()
    expect(await exchange(port, bytes)).toMatch(/^HTTP\/1.1 200 OK[^]*\{"status":"ok"\}$/)
  })
})

describe('a slow client is cut off', () => {
  const limits = { headersTimeout: 200, requestTimeout: 400, connectionsCheckingInterval: 50 }

  test.each([
    ['that never ends its headers', 'GET /hc HTTP/1.1\r\nHost: localhost\r\n'],
    ['that never ends its body', 'POST /bare HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{'],
    ['that says nothing', ''],
  ])('%s', async (_title, bytes) => {
    const { port, logged } = await start(limits)
    expect(problemIn(await exchange(port, bytes))).toMatchObject({ status: 408, code: 'request_timeout' })
    expect(logged.filter(({ level }) => level > 30)).toEqual([])
  })

  test('but not one whose answer takes long', async () => {
    const { app } = await testApp({ limits })
    app.get('/slow', () => new Promise((resolve) => setTimeout(resolve, 1_000, { ok: true })))
    running = app
    const answer = await exchange(await listen(app), 'GET /slow HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    expect(answer).toContain('{"ok":true}')
  })
})

test('a body that is too large is answered while it still comes, and the connection stays usable', async () => {
  const { port } = await start()
  const head = 'POST /things HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
  const body = Buffer.alloc(20_000_000, 0x20)
  for (const framing of [
    [`${head}Content-Length: ${body.length}\r\n\r\n`, body],
    [`${head}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n`, body, '\r\n0\r\n\r\n'],
  ]) {
    const response = await exchange(port, ...framing, 'GET /hc HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    expect(response).toMatch(/^HTTP\/1.1 413 /)
    expect(response).toMatch(/HTTP\/1.1 200 OK[^]*\{"status":"ok"\}$/)
  }
})

test('a client that leaves in the middle of its body is no fault of ours', async () => {
  const { app, port, logged } = await start()
  const socket = connect(port, '127.0.0.1')
  socket.write('POST /bare HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{')
  await once(app.server, 'request')
  socket.destroy()
  while ((await connections(app)) > 0) await new Promise(setImmediate)
  expect(logged.filter(({ level }) => level > 30)).toEqual([])
})

test('while the server closes, a connection that is kept alive gets 503', async () => {
  const { app } = await testApp()
  let release = () => {}
  app.get('/slow', () => new Promise((resolve) => (release = () => resolve({ ok: true }))))
  const port = await listen(app)
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`
  const socket = connect(port, '127.0.0.1')
  const received = collect(socket)
  socket.write(get('/slow'))
  await once(app.server, 'request')
  const closed = app.close()
  await new Promise(setImmediate)
  socket.write(get('/hc'))
  await once(app.server, 'request')
  release()
  await closed
  const [first, second] = (await received).split(/(?=HTTP\/1.1 )/)
  expect(first).toContain('{"ok":true}')
  expect(second).toMatch(/^HTTP\/1.1 503 /)
  expect(second).toMatch(/connection: close/i)
  expect(second).toContain('"code":"shutting_down"')
})

function connections(app: App): Promise<number> {
  return new Promise((resolve) => app.server.getConnections((_error, count) => resolve(count)))
}

async function collect(socket: Socket): Promise<string> {
  let text = ''
  for await (const chunk of socket) text += chunk
  return text
}
