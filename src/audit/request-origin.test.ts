import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openGate } from '../../test/support/gate.ts'
import { guardRoutes } from '../access/hooks.ts'
import { createApp, type App } from '../http/app.ts'
import type { Origin } from '../store/origin.ts'
import { tellOrigins } from './request-origin.ts'

let app: App
let reached: Promise<void>
let told: Promise<Origin>
beforeEach(async () => {
  app = await createApp({ logger: pino({ level: 'silent' }), allowedHosts: [], version: '1', guard: (open) => guardRoutes(open, openGate) })
  tellOrigins(app)
  app.get('/at-once', { config: { scope: 'any' } }, async ({ origin }) => origin)
  const begun = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<Origin>()
  reached = begun.promise
  told = ended.promise
  app.post('/late', { config: { scope: 'any' } }, async (request, reply) => {
    begun.resolve()
    await once(reply.raw, 'close')
    ended.resolve(request.origin)
  })
})
afterEach(() => app.close())

it.each([
  ['10.0.0.7', '10.0.0.7'],
  ['::ffff:10.0.0.7', '10.0.0.7'],
  ['2001:db8::ffff:1', '2001:db8::ffff:1'],
])('a request from %s comes from %s', async (remoteAddress, address) => {
  const answer = await app.inject({ url: '/at-once', headers: { host: 'localhost' }, remoteAddress })
  expect(answer.json()).toEqual({ actor: { key_id: '', name: null, address } })
})

it('a client that leaves at once leaves its address', async () => {
  await app.listen({ host: '127.0.0.1', port: 0 })
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  socket.write('POST /late HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n')
  await reached
  socket.destroy()
  expect((await told).actor.address).toBe('127.0.0.1')
})
