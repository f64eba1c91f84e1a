import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { takeNoMoreWork } from './stopping.ts'
import { exchange, listen, testApp } from './test-app.ts'

const request = (method: string, path: string) => `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n`

test('while the server stops it listens, answers who looks, and refuses what changes anything', async () => {
  const { app } = await testApp()
  const port = await listen(app)
  takeNoMoreWork(app)
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    // A connection of its own for each, and it is the server that closes it.
    const answer = await exchange(port, request(method, '/bare'))
    expect(answer).toMatch(/^HTTP\/1.1 503 [^]*\r\nretry-after: \d+\r\n/i)
    expect(answer).toMatch(/\r\nconnection: close\r\n/i)
    expect(answer).toContain('"code":"shutting_down"')
  }
  const looked = await exchange(port, request('GET', '/hc'))
  expect(looked).toMatch(/^HTTP\/1.1 200 /)
  expect(looked).toMatch(/\r\nconnection: close\r\n/i)
  expect(await exchange(port, request('HEAD', '/hc'))).toMatch(/^HTTP\/1.1 200 /)
  expect(await exchange(port, request('GET', '/nowhere'))).toMatch(/^HTTP\/1.1 404 /)
  await app.close()
})

test('what was under way when the server began to stop is answered', async () => {
  const { app } = await testApp()
  let release = () => {}
  app.post('/slow', () => new Promise((resolve) => (release = () => resolve({ ok: true }))))
  const port = await listen(app)
  const answer = exchange(port, request('POST', '/slow').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
  await once(app.server, 'request')
  await turn()
  takeNoMoreWork(app)
  release()
  expect(await answer).toMatch(/^HTTP\/1.1 200 [^]*\{"ok":true\}$/)
  await app.close()
})

test('while the server closes only a route that says so is answered', async () => {
  const { app } = await testApp()
  let release = () => {}
  app.get('/slow', () => new Promise((resolve) => (release = () => resolve({ ok: true }))))
  app.get('/alive', { config: { answersWhileClosing: true } }, () => ({ alive: true }))
  const port = await listen(app)
  const socket = connect(port, '127.0.0.1')
  const received = collect(socket)
  socket.write(request('GET', '/slow'))
  await once(app.server, 'request')
  const closed = app.close()
  await turn()
  socket.write(request('GET', '/alive'))
  await once(app.server, 'request')
  release()
  await closed
  expect((await received).split(/(?=HTTP\/1.1 )/)[1]).toMatch(/^HTTP\/1.1 200 [^]*\{"alive":true\}$/)
})

async function collect(socket: Socket): Promise<string> {
  let text = ''
  for await (const chunk of socket) text += chunk
  return text
}
