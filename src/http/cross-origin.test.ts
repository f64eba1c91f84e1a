import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { App } from './app.ts'
import { testApp } from './test-app.ts'

const listed = 'https://app.example'
const foreign = [
  'https://evil.example',
  'https://app.example.evil.example',
  'http://app.example',
  'https://app.example:8443',
  'null',
  listed.toUpperCase(),
]

let app: App
beforeAll(async () => ({ app } = await testApp({ allowedOrigins: [listed, 'http://localhost:5173'] })))
afterAll(() => app.close())

const corsOf = (headers: Record<string, unknown>) => Object.keys(headers).filter((name) => name.startsWith('access-control'))
const post = (headers: Record<string, string>) =>
  app.inject({
    method: 'POST',
    url: '/bare',
    headers: { host: 'localhost:8000', 'content-type': 'application/json', ...headers },
    payload: '{}',
  })
const ask = (origin: string, url = '/things') =>
  app.inject({ method: 'OPTIONS', url, headers: { origin, 'access-control-request-method': 'POST', 'sec-fetch-site': 'cross-site' } })

describe('a page of an origin that is listed', () => {
  test('may ask whether it may send what the API takes, wherever', async () => {
    for (const url of ['/things', '/named/a', '/nowhere']) {
      const { statusCode, headers, body } = await ask(listed, url)
      expect([statusCode, body]).toEqual([204, ''])
      expect(headers).toMatchObject({
        'access-control-allow-origin': listed,
        'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
        'access-control-allow-headers': 'Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID',
        'access-control-max-age': '600',
        'x-content-type-options': 'nosniff',
      })
      expect(headers['vary']).toContain('Origin')
    }
  })

  test('may change things, and sees the answer with what it needs of its headers', async () => {
    const { statusCode, headers } = await post({ origin: listed, 'sec-fetch-site': 'cross-site' })
    expect(statusCode).toBe(200)
    expect(headers).toMatchObject({ 'access-control-allow-origin': listed, vary: 'Origin' })
    expect(String(headers['access-control-expose-headers']).split(', ')).toEqual(
      expect.arrayContaining(['ETag', 'Link', 'Location', 'Retry-After', 'RateLimit']),
    )
  })

  test.each(['/search', '/nope', '/boom', '/stream', '/%zz', '/openapi.json', '/search?limit=x'])(
    'sees every answer, whatever it is: %s',
    async (url) => {
      const { headers } = await app.inject({ url, headers: { origin: listed } })
      expect(headers).toMatchObject({ 'access-control-allow-origin': listed, vary: 'Origin' })
    },
  )

  test('gets no more than the others by a Host that is not ours', async () => {
    const answer = await app.inject({
      method: 'OPTIONS',
      url: '/things',
      headers: { host: 'evil.example', origin: listed, 'access-control-request-method': 'POST' },
    })
    expect(answer.statusCode).toBe(421)
  })

  test('is told what an OPTIONS is told that asks for no permission', async () => {
    const answer = await app.inject({ method: 'OPTIONS', url: '/things', headers: { origin: listed } })
    expect([answer.statusCode, answer.headers['allow']]).toEqual([405, 'POST'])
  })

  test('never brings cookies', async () => {
    for (const { headers } of [await ask(listed), await post({ origin: listed })]) {
      expect(headers['access-control-allow-credentials']).toBeUndefined()
      expect(JSON.stringify(headers)).not.toContain('"*"')
    }
  })
})

describe('a page of any other origin', () => {
  test.each(foreign)('gets no permission: %s', async (origin) => {
    const { statusCode, headers } = await ask(origin)
    expect(statusCode).toBe(405)
    expect(corsOf(headers)).toEqual([])
    expect(headers['vary']).toBe('Origin')
  })

  test.each(foreign)('cannot change anything: %s', async (origin) => {
    const answer = await post({ origin })
    expect(answer.json()).toMatchObject({ status: 403, code: 'cross_site_request' })
    expect(corsOf(answer.headers)).toEqual([])
  })
})

test('a program, which names no origin, gets answers that a cache keeps apart', async () => {
  const { headers } = await app.inject('/search')
  expect([headers['vary'], corsOf(headers)]).toEqual(['Origin', []])
})

test('without a list nothing of all this is in any answer', async () => {
  const { app: closed } = await testApp()
  for (const url of ['/search', '/stream', '/docs']) {
    const { headers } = await closed.inject({ url, headers: { origin: listed } })
    expect([headers['vary'], corsOf(headers)]).toEqual([undefined, []])
  }
  const answer = await closed.inject({
    method: 'OPTIONS',
    url: '/things',
    headers: { origin: listed, 'access-control-request-method': 'POST' },
  })
  expect(answer.statusCode).toBe(405)
  await closed.close()
})
