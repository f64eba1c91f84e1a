import { connect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { App } from './app.ts'
import { countEventStreams, type EventStream, type EventStreamOptions, endEventStreams, formatEvent, openEventStream } from './sse.ts'
import { exchange, listen, testApp } from './test-app.ts'

let app: App | undefined
afterEach(() => app?.close())

const GET = 'GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n'

/** A server whose `/events` is a stream that the test holds in its hand. */
async function streaming(options: EventStreamOptions = {}) {
  const { app: made } = await testApp()
  app = made
  const { promise: opened, resolve } = Promise.withResolvers<EventStream>()
  made.get('/events', (_request, reply) => resolve(openEventStream(reply, options)))
  return { app: made, port: await listen(made), opened }
}

test('an event is an id line and one data line of ASCII', () => {
  expect(formatEvent(7, { type: 'content', data: 'Grüße\n😀 "x"' })).toBe(
    'id: 7\ndata: {"type":"content","data":"Gr\\u00fc\\u00dfe\\n\\ud83d\\ude00 \\"x\\""}\n\n',
  )
  const event = { text: '\u0000\u007f\u0080\u2028\uffff' }
  expect(JSON.parse(formatEvent(1, event).split('data: ')[1]!)).toEqual(event)
})

test('a stream has its headers at once, what is written, and an end', async () => {
  const { port, opened } = await streaming({ headers: { 'X-Execution-Id': 'abc' } })
  const received = exchange(port, GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
  const stream = await opened
  expect(stream.write(formatEvent(1, { a: 1 }))).toBe(true)
  stream.end()
  const response = await received
  for (const header of [
    'text/event-stream; charset=utf-8',
    'no-cache, no-transform',
    'X-Accel-Buffering: no',
    'nosniff',
    'X-Execution-Id: abc',
  ])
    expect(response).toContain(header)
  expect(response).toContain('id: 1\ndata: {"a":1}\n\n')
  expect(stream.write('more')).toBe(false)
})

test.each([
  ['event', 60_000],
  ['comment', 20],
])('a stream whose client may not have what comes any more ends with the next %s', async (_what, keepAlive) => {
  let isWelcome = true
  const { port, opened } = await streaming({ keepAlive, isWelcome: () => isWelcome })
  const received = exchange(port, GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
  const stream = await opened
  isWelcome = false
  const began = performance.now()
  // Asked once a second at most, so what comes before is sent.
  while (!stream.isClosed) {
    if (keepAlive > 1_000) stream.write(': an event\n\n')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  expect(performance.now() - began).toBeGreaterThan(900)
  expect(stream.write(formatEvent(1, { secret: true }))).toBe(false)
  expect(await received).not.toContain('secret')
})

test('a HEAD gets the headers alone', async () => {
  const { app: made } = await testApp()
  app = made
  const response = await exchange(await listen(made), 'HEAD /stream HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  expect(response).toMatch(/^HTTP\/1.1 200 OK[^]*text\/event-stream[^]*\r\n\r\n$/)
})

test('a silent stream gets comments, which no client takes for an event', async () => {
  const { port, opened } = await streaming({ keepAlive: 10 })
  const socket = connect(port, '127.0.0.1', () => socket.write(GET))
  await opened
  for await (const chunk of socket) if (String(chunk).includes(': keepalive\n\n')) break
})

test('whoever writes learns that the client has left, and nothing throws', async () => {
  const { port, opened } = await streaming()
  const socket = connect(port, '127.0.0.1', () => socket.write(GET))
  const stream = await opened
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  stream.onClose(resolve)
  socket.destroy()
  await closed
  expect(stream.isClosed).toBe(true)
  expect(stream.write('x')).toBe(false)
  await stream.drain()
  stream.end()
  await new Promise<void>((done) => stream.onClose(done))
})

test('whoever writes waits for a client that does not read', async () => {
  const { port, opened } = await streaming()
  const socket = connect(port, '127.0.0.1', () => socket.write(GET))
  const stream = await opened
  socket.pause()
  // The kernel takes some megabytes on both sides; more than those wait here.
  for (let pieces = 0; pieces < 300; pieces += 1) stream.write('x'.repeat(100_000))
  let drained = false
  const drain = stream.drain().then(() => (drained = true))
  for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate)
  expect(drained).toBe(false)
  socket.resume()
  await drain
  expect(stream.write('y')).toBe(true)
  socket.destroy()
})

test('a client that takes nothing of what waits for it is cut off', async () => {
  const { port, opened } = await streaming({ keepAlive: 20, patience: 100 })
  const socket = connect(port, '127.0.0.1', () => socket.write(GET))
  const stream = await opened
  socket.pause()
  for (let pieces = 0; pieces < 300; pieces += 1) stream.write('x'.repeat(100_000))
  await new Promise<void>((done) => stream.onClose(done))
  socket.destroy()
})

test('a stream that has nothing to say is not', async () => {
  const { port, opened } = await streaming({ keepAlive: 20, patience: 100 })
  const socket = connect(port, '127.0.0.1', () => socket.write(GET))
  await opened
  let comments = 0
  for await (const chunk of socket) {
    comments += String(chunk).split(': keepalive').length - 1
    if (comments > 10) break
  }
  expect(comments).toBeGreaterThan(10)
})

test('a server that closes waits for its streams until it is told to end them, and tells their clients when to come back', async () => {
  const { app, port, opened } = await streaming()
  const received = exchange(port, GET)
  const stream = await opened
  stream.write(formatEvent(1, { a: 1 }))
  expect(countEventStreams(app.server)).toBe(1)
  const closed = app.close()
  endEventStreams(app.server)
  await closed
  // A complete answer, whose last block is no event: it has no data.
  const [, retry] = /id: 1\ndata: \{"a":1\}\n\n[^]*retry: (\d+)\n: .+\n\n\r\n0\r\n\r\n$/.exec(await received)!
  expect(Number(retry)).toBeGreaterThanOrEqual(1_000)
  expect(Number(retry)).toBeLessThanOrEqual(2_000)
  expect(countEventStreams(app.server)).toBe(0)
})

test('a stream that begins when the others are ended ends as they do', async () => {
  const { app, port } = await streaming()
  endEventStreams(app.server)
  expect(await exchange(port, GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))).toMatch(/retry: \d+\n: .+\n\n\r\n0\r\n\r\n$/)
})
