import { connect } from 'node:net'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import type { Answer } from './answers.ts'
import type { App } from './app.ts'
import { exchange, listen, testApp } from './test-app.ts'

let app: App
let answers: Answer[]
afterEach(() => app.close())

async function start(addRoutes: (app: App) => void = () => undefined): Promise<number> {
  answers = []
  const made = await testApp({ onAnswer: (answer) => answers.push(answer) })
  app = made.app
  addRoutes(app)
  return listen(app)
}

const request = (method: string, path: string) => `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`

test('tells of each answer its route as it was registered, its status and its time', async () => {
  const port = await start()
  for (const path of ['/ids/00000000-0000-4000-8000-000000000000', '/ids/x/', '/stream', '/boom']) {
    await exchange(port, request('GET', path))
  }
  await exchange(port, request('HEAD', '/hc'))
  await exchange(port, request('GET', '/whatever/somebody/types?x=1'))
  await exchange(port, request('DELETE', '/boom'))
  expect(answers.map(({ method, route, status }) => [method, route, status])).toEqual([
    ['GET', '/ids/:id', 200],
    ['GET', '/ids/:id', 200],
    ['GET', '/stream', 200],
    ['GET', '/boom', 500],
    ['HEAD', '/hc', 200],
    ['GET', undefined, 404],
    ['DELETE', undefined, 405],
  ])
  for (const { seconds } of answers) expect(seconds).toBeGreaterThan(0)
})

test('tells of a client that leaves: without a status before the answer has begun, with it afterwards', async () => {
  const port = await start((made) => {
    made.get('/never', () => new Promise(() => undefined))
    made.get('/open', (_request, reply) => {
      reply.hijack()
      reply.raw.writeHead(200).write('a piece')
    })
  })
  const leave = async (path: string, when: 'request' | 'data'): Promise<void> => {
    const count = answers.length
    const socket = connect(port, '127.0.0.1')
    socket.write(request('GET', path))
    await once(when === 'request' ? app.server : socket, when)
    socket.destroy()
    while (answers.length === count) await new Promise(setImmediate)
  }
  await leave('/never', 'request')
  await leave('/open', 'data')
  expect(answers.map(({ route, status }) => [route, status])).toEqual([
    ['/never', undefined],
    ['/open', 200],
  ])
})
