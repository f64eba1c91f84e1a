import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { App } from './app.ts'
import { type TestApp, testApp } from './test-app.ts'
import { cpuTime } from '../../test/support/cpu-time.ts'

let app: App
let logged: TestApp['logged']
beforeAll(async () => ({ app, logged } = await testApp()))
beforeEach(() => void logged.splice(0))
afterAll(() => app.close())

const json = { 'content-type': 'application/json' }

describe('a body', () => {
  test.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"', 'application/json;'])(
    'of type %s is read',
    async (type) => {
      const response = await app.inject({ method: 'POST', url: '/things', headers: { 'content-type': type }, payload: '{"name":"a"}' })
      expect(response.statusCode).toBe(200)
    },
  )

  test.each([
    'text/plain',
    'application/json; charset=latin1',
    'application/x-www-form-urlencoded',
    'application/problem+json',
    'json',
    undefined,
  ])('of type %s is refused', async (type) => {
    const headers = type === undefined ? {} : { 'content-type': type }
    const response = await app.inject({ method: 'POST', url: '/things', headers, payload: '{"name":"a"}' })
    expect(response.json()).toMatchObject({ status: 415, code: 'unsupported_media_type' })
  })

  test.each(['application/json', 'text/plain', 'nonsense', undefined])(
    'that is empty is fine where none is required, with type %s',
    async (type) => {
      const headers = type === undefined ? {} : { 'content-type': type }
      expect((await app.inject({ method: 'POST', url: '/bare', headers })).json()).toEqual({})
    },
  )

  test('that is empty is refused where one is required', async () => {
    for (const headers of [{}, json, { 'content-type': 'text/plain' }]) {
      const response = await app.inject({ method: 'POST', url: '/things', headers })
      expect(response.json()).toMatchObject({ status: 400, code: 'malformed_body', detail: expect.stringContaining('the body is empty') })
    }
  })

  test('that is compressed is refused, and one that says it is not is read', async () => {
    const post = (coding: string) =>
      app.inject({ method: 'POST', url: '/things', headers: { ...json, 'content-encoding': coding }, payload: '{"name":"a"}' })
    expect((await post('gzip')).json()).toMatchObject({
      status: 415,
      code: 'unsupported_media_type',
      detail: expect.stringContaining("Content-Encoding 'gzip'"),
    })
    expect((await post('Identity')).statusCode).toBe(200)
  })

  test('that cannot be read says where', async () => {
    const response = await app.inject({ method: 'POST', url: '/things', headers: json, payload: '{"name":\n oops}' })
    expect(response.json()).toMatchObject({ status: 400, detail: expect.stringContaining('line 2, column 2') })
  })

  test('has a limit, which a route may raise', async () => {
    const payload = JSON.stringify({ name: 'a', input: { text: 'x'.repeat(1_000_000) } })
    const refused = await app.inject({ method: 'POST', url: '/things', headers: json, payload })
    expect(refused.json()).toMatchObject({ status: 413, code: 'body_too_large', detail: expect.stringContaining('1000000 bytes') })
    expect((await app.inject({ method: 'POST', url: '/large', headers: json, payload })).statusCode).toBe(200)
  })

  test('of ten megabytes of brackets is refused at once', async () => {
    const start = cpuTime()
    const response = await app.inject({ method: 'POST', url: '/large', headers: json, payload: '['.repeat(10_000_000) })
    expect(response.statusCode).toBe(400)
    expect(cpuTime() - start).toBeLessThan(300)
  })

  test('of ten megabytes with a million keys is read', async () => {
    const input = Object.fromEntries(Array.from({ length: 800_000 }, (_, index) => [`k${index}`, 1]))
    const response = await app.inject({ method: 'POST', url: '/large', payload: { name: 'a', input } })
    expect(response.statusCode).toBe(200)
  })
})

describe('an address', () => {
  test('is the same with and without a slash at its end', async () => {
    for (const url of ['/search', '/search/']) expect((await app.inject(url)).statusCode).toBe(200)
  })

  test.each(['/nope', '/Search', '//search', '/search//', '/things/x'])('that is unknown is 404: %s', async (url) => {
    expect((await app.inject(url)).json()).toMatchObject({ status: 404, code: 'route_not_found' })
  })

  test('that is unknown stays a 404 whatever body comes with it', async () => {
    const response = await app.inject({ method: 'POST', url: '/nope', headers: { 'content-type': 'text/plain' }, payload: '{' })
    expect(response.statusCode).toBe(404)
  })

  test.each(['DELETE', 'PUT', 'PATCH', 'OPTIONS', 'TRACE', 'GET', 'HEAD', 'PROPFIND', 'QUERY'])(
    'that takes another method than %s says which',
    async (method) => {
      const response = await app.inject({ method: method as 'GET', url: '/things?x=1' })
      expect(response.statusCode).toBe(405)
      expect(response.headers['allow']).toBe('POST')
      if (method !== 'HEAD')
        expect(response.json()).toMatchObject({ code: 'method_not_allowed', detail: `/things does not take ${method}; it takes POST.` })
    },
  )

  test.each(['/named/%zz', '/named/%ff', '/%'])('that cannot be decoded is 400: %s', async (url) => {
    expect((await app.inject(url)).json()).toMatchObject({ status: 400, code: 'malformed_request' })
    expect((await app.inject({ url, headers: { host: 'evil.example' } })).statusCode).toBe(421)
  })

  test('answers HEAD as GET, without the body', async () => {
    const response = await app.inject({ method: 'HEAD', url: '/search' })
    expect([response.statusCode, response.headers['content-length'], response.body]).toEqual([200, '2', ''])
  })
})

describe('a Host', () => {
  test.each(['localhost', 'LOCALHOST:8000', 'localhost.', '127.0.0.1:1', '[::1]:8000', 'studio.example', 'Studio.Example.:443'])(
    'of ours is served: %s',
    async (host) => expect((await app.inject({ url: '/hc', headers: { host } })).statusCode).toBe(200),
  )

  test.each([
    'evil.example',
    'localhost.evil.example',
    'localhost@evil.example',
    '[::2]',
    '127.0.0.2',
    'localhost:80:80',
    'studio.example..',
  ])('of somebody else is refused: %s', async (host) => {
    for (const url of ['/hc', '/nope'])
      expect((await app.inject({ url, headers: { host } })).json()).toMatchObject({ status: 421, code: 'unknown_host' })
  })
})

describe('another site', () => {
  const post = (headers: Record<string, string>) =>
    app.inject({ method: 'POST', url: '/bare', headers: { host: 'localhost:8000', ...headers } })

  test.each([
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'http://evil.example' },
    { origin: 'http://localhost:3000' },
    { origin: 'null' },
    { origin: 'http://localhost:8000.evil.example' },
  ])('cannot change anything: %j', async (headers) => {
    expect((await post(headers as unknown as Record<string, string>)).json()).toMatchObject({ status: 403, code: 'cross_site_request' })
  })

  test.each([{ 'sec-fetch-site': 'same-origin', origin: 'http://localhost:8000' }, { 'sec-fetch-site': 'none' }, {}])(
    'is not what a page of ours or a program is: %j',
    async (headers) => expect((await post(headers as unknown as Record<string, string>)).statusCode).toBe(200),
  )

  test('gets no permission to read, and a default port counts as none', async () => {
    const response = await app.inject({ url: '/hc', headers: { origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' } })
    expect(Object.keys(response.headers).filter((name) => name.startsWith('access-control'))).toEqual([])
    expect((await post({ host: 'studio.example', origin: 'https://studio.example' })).statusCode).toBe(200)
    expect((await post({ host: 'studio.example:443', origin: 'https://studio.example' })).statusCode).toBe(200)
  })
})

describe('every answer', () => {
  test.each(['/hc', '/nope', '/boom', '/docs', '/%zz', '/stream', '/search?x=1'])('carries the security headers: %s', async (url) => {
    const { headers } = await app.inject(url)
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'x-frame-options': 'DENY' })
    expect(headers['cache-control']).toMatch(/no-store|no-cache/)
  })

  test.each(['/nope', '/boom', '/%zz', '/search?x=1', '/named/A'])('that is no success is a problem: %s', async (url) => {
    const response = await app.inject(url)
    const problem = response.json()
    expect(response.headers['content-type']).toBe('application/problem+json')
    expect(problem).toEqual(expect.objectContaining({ title: expect.any(String), detail: expect.any(String), status: response.statusCode }))
    expect(problem.type).toBe(`/docs/errors#${problem.code}`)
  })
})

test('what breaks unexpectedly is 500 whatever status it claims, logged with its stack and told to nobody', async () => {
  const response = await app.inject('/boom')
  expect(response.json()).toMatchObject({ status: 500, code: 'internal_error' })
  expect(response.body).not.toContain('secret')
  expect(logged).toMatchObject([{ level: 50, err: { message: 'secret', stack: expect.stringContaining('test-app.ts') } }])
  expect(logged).toMatchObject([{ request_id: response.headers['x-request-id'] }])
  expect(response.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/)
})

test('what is the fault of the client is not logged, nor is a success', async () => {
  for (const url of ['/hc', '/nope', '/search?limit=x', '/%zz']) await app.inject(url)
  expect(logged).toEqual([])
})
