import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import type { App } from './app.ts'
import type { Limits } from './limits.ts'
import { exchange, listen, testApp } from './test-app.ts'

let app: App
let sockets: Socket[]
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  await app.close()
})

async function start(limits: Partial<Limits>, addRoutes: (app: App) => void = () => undefined): Promise<number> {
  sockets = []
  ;({ app } = await testApp({ limits }))
  addRoutes(app)
  return listen(app)
}

/** A connection over which this was sent. @returns what comes back until it is closed */
async function open(port: number, text: string): Promise<{ socket: Socket; received: () => string; closed: Promise<unknown> }> {
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  let received = ''
  socket.on('data', (data) => (received += data.toString('latin1'))).on('error', () => undefined)
  const closed = once(socket, 'close')
  const [seen] = await Promise.all([once(app.server, 'connection'), once(socket, 'connect')])
  if (text !== '') {
    socket.write(text)
    // By then it has been read.
    while ((seen[0] as Socket).bytesRead < text.length) await new Promise(setImmediate)
  }
  return { socket, received: () => received, closed }
}

const health = 'GET /hc HTTP/1.1\r\nHost: localhost\r\n\r\n'
const halfHead = 'GET /hc HTTP/1.1\r\nHost: local'
const halfBody = 'POST /bare HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{'

describe('of the connections that are not being served those give way that were there first:', () => {
  test.each([
    ['half a head', halfHead],
    ['half a body', halfBody],
  ])('one with %s, which is told why', async (_title, half) => {
    const port = await start({ unservedConnections: 3 })
    const slow = await open(port, half)
    const others = await Promise.all([open(port, half), open(port, '')])
    expect(slow.received()).toBe('')
    expect(await exchange(port, health.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))).toMatch(/^HTTP\/1.1 200 /)
    await slow.closed
    expect(slow.received()).toMatch(/^HTTP\/1.1 408 [^]*"code":"request_timeout"/)
    expect(others.map(({ socket }) => socket.destroyed)).toEqual([false, false])
  })

  test('one that is idle, which needs no word', async () => {
    const port = await start({ unservedConnections: 1 })
    const idle = await open(port, health)
    while (!idle.received().endsWith('{"status":"ok"}')) await new Promise(setImmediate)
    await open(port, '')
    await idle.closed
    expect(idle.received()).toMatch(/^HTTP\/1.1 200 [^]*\{"status":"ok"\}$/)
  })

  test('but none that is being served, nor one that has more to ask', async () => {
    let answer = () => {}
    const port = await start({ unservedConnections: 1 }, (made) => {
      made.get('/slow', () => new Promise((resolve) => (answer = () => resolve({ ok: true }))))
    })
    const served = await open(port, health.replace('/hc', '/slow') + health)
    for (const _ of [1, 2, 3]) (await open(port, '')).socket.destroy()
    answer()
    while (!served.received().endsWith('{"status":"ok"}')) await new Promise(setImmediate)
    expect(served.received()).toContain('{"ok":true}')
  })
})

test('a connection that is served again and again gives way to nobody', async () => {
  const port = await start({ unservedConnections: 5 })
  const honest = await open(port, '')
  for (let round = 1; round <= 20; round++) {
    honest.socket.write(health)
    while (honest.received().split('{"status":"ok"}').length <= round) await new Promise(setImmediate)
    for (const _ of [1, 2, 3]) await open(port, halfHead)
  }
  expect(honest.socket.destroyed).toBe(false)
})

test('requests that are sent ahead are taken one after the other', async () => {
  let atOnce = 0
  let most = 0
  const port = await start({}, (made) => {
    made.get('/slow', async () => {
      most = Math.max(most, ++atOnce)
      await new Promise((resolve) => setTimeout(resolve, 5))
      atOnce--
      return { ok: true }
    })
  })
  const slow = health.replace('/hc', '/slow')
  const { received } = await open(port, slow.repeat(20) + health)
  while (!received().endsWith('{"status":"ok"}')) await new Promise((resolve) => setTimeout(resolve, 1))
  expect(received().split('{"ok":true}')).toHaveLength(21)
  expect(most).toBe(1)
})

test('requests that were sent ahead by a client who left are not done, and nobody waits for them', async () => {
  let asked = 0
  const port = await start({}, (made) => {
    made.get('/slow', () => new Promise((resolve) => (asked++, setTimeout(resolve, 50, { ok: true }))))
  })
  const { socket, closed } = await open(port, health.replace('/hc', '/slow').repeat(20))
  await expect.poll(() => asked, { interval: 1 }).toBeGreaterThan(0)
  socket.destroy()
  await closed
  await app.close()
  expect(asked).toBeLessThan(3)
})
