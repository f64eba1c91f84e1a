import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { App } from '../http/app.ts'
import { exchange, listen, testApp } from '../http/test-app.ts'
import type { Load, LoadKind } from './load.ts'
import { shedLoad } from './shed.ts'

let app: App
let port: number
let refused: LoadKind[]
let shed: LoadKind[]

beforeEach(async () => {
  refused = []
  shed = []
  const load = {
    get isCalm() {
      return refused.length === 0
    },
    refuses: (kind: LoadKind) => refused.includes(kind),
  } as Load
  ;({ app } = await testApp({
    shed: (bare, headersFor) => shedLoad(bare, load, (kind) => shed.push(kind), headersFor),
    allowedOrigins: ['https://app.example'],
  }))
  app.post('/work', { config: { load: 'work' } }, () => ({ ok: true }))
  app.post('/stop', { config: { load: 'always' } }, () => ({ ok: true }))
  port = await listen(app)
})
afterEach(() => app.close())

const send = (line: string, body = '') =>
  exchange(port, `${line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
const statusOf = async (line: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(await send(line))![1])
const all = async () => [
  await statusOf('POST /work'),
  await statusOf('GET /search'),
  await statusOf('GET /nope'),
  await statusOf('POST /stop'),
]

describe('of what comes', () => {
  it('all is done as long as it is not too much', async () => {
    expect(await all()).toEqual([200, 200, 404, 200])
  })

  it('new work is refused first, then all else, and never what ends something or asks how things are', async () => {
    refused = ['work']
    expect(await all()).toEqual([503, 200, 404, 200])
    refused = ['work', 'rest']
    expect(await all()).toEqual([503, 503, 503, 200])
    expect(await statusOf('GET /hc')).toBe(200)
    expect(shed).toEqual(['work', 'work', 'rest', 'rest'])
  })
})

it('a refusal is a problem like any other, and says when to come again', async () => {
  refused = ['work']
  const [head = '', body = ''] = (await send('POST /work', '{"some": "body"}')).split('\r\n\r\n', 2)
  expect(JSON.parse(body)).toEqual({
    type: '/docs/errors#server_busy',
    title: 'The server has too much to do',
    status: 503,
    detail: expect.stringContaining('did nothing of it'),
    code: 'server_busy',
    retry_after: 1,
  })
  for (const line of [
    'Content-Type: application/problem+json',
    'Retry-After: 1',
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
  ]) {
    expect(head.toLowerCase()).toContain(line.toLowerCase())
  }
})

it('a connection stays good over a refusal, whatever body came with it', async () => {
  refused = ['work']
  const body = 'x'.repeat(100_000)
  const refusedOne = `POST /work HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  const answers = await exchange(port, refusedOne, 'GET /hc HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 503', 'HTTP/1.1 200'])
})

it('a refusal can be read by the pages that are let in, and by no others', async () => {
  refused = ['work']
  const told = async (origin: string) => {
    const [head = ''] = (
      await exchange(port, `POST /work HTTP/1.1\r\nHost: localhost\r\nOrigin: ${origin}\r\nConnection: close\r\n\r\n`)
    ).split('\r\n\r\n')
    return [/^HTTP\S+ (\d+)/.exec(head)?.[1], /^access-control-allow-origin: (.*)$/im.exec(head)?.[1], /^vary: (.*)$/im.exec(head)?.[1]]
  }
  expect(await told('https://app.example')).toEqual(['503', 'https://app.example', 'Origin'])
  expect(await told('https://other.example')).toEqual(['503', undefined, 'Origin'])
})
