import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { App } from './app.ts'
import { testApp } from './test-app.ts'
import { cpuTime } from '../../test/support/cpu-time.ts'

let app: App
beforeAll(async () => ({ app } = await testApp()))
afterAll(() => app.close())

async function post(url: string, payload: unknown) {
  const response = await app.inject({ method: 'POST', url, payload: payload as object })
  return { status: response.statusCode, ...response.json() }
}

async function get(url: string) {
  const response = await app.inject(url)
  return { status: response.statusCode, ...response.json() }
}

describe('a body', () => {
  test('gets every problem at once, each with its pointer, a code and a sentence', async () => {
    const answer = await post('/things?nope=1', {
      name: '',
      count: 9,
      mode: 'later',
      since: 'yesterday',
      runtime_config: { timeout: 'soon', 'max/retries': 1 },
      chat_history: [{ actor: 1, content: 'x' }, 3, { role: 'user' }],
      typo: true,
    })
    expect(answer).toMatchObject({ status: 422, code: 'invalid_input', type: '/docs/errors#invalid_input' })
    expect(Object.fromEntries(answer.errors.map((one: { pointer: string }) => [one.pointer, one]))).toEqual({
      '?nope': { pointer: '?nope', code: 'unknown_parameter', message: "'nope' is not a known parameter; no parameter is taken here." },
      '/name': { pointer: '/name', code: 'too_short', message: '\'name\' must be a text of 1 to 10 characters; it is "".' },
      '/count': { pointer: '/count', code: 'out_of_range', message: "'count' must be an integer from 1 to 5; it is 9." },
      '/mode': { pointer: '/mode', code: 'not_allowed', message: "'mode' must be 'drain' or 'cancel'; it is \"later\"." },
      '/since': expect.objectContaining({ code: 'wrong_format' }),
      '/runtime_config/timeout': {
        pointer: '/runtime_config/timeout',
        code: 'wrong_type',
        message: '\'runtime_config.timeout\' must be an integer from 1 to 86400; it is "soon".',
      },
      '/runtime_config/max~1retries': expect.objectContaining({ code: 'unknown_field' }),
      '/chat_history/0/actor': expect.objectContaining({ code: 'wrong_type', message: "'chat_history[0].actor' must be a text; it is 1." }),
      '/chat_history/1': expect.objectContaining({ code: 'wrong_type', message: "'chat_history[1]' must be an object; it is 3." }),
      '/chat_history/2/content': expect.objectContaining({ code: 'required' }),
      '/typo': expect.objectContaining({ code: 'unknown_field' }),
    })
  })

  test('with one problem has its sentence as the detail', async () => {
    expect((await post('/things', {})).detail).toBe("'name' is missing; it must be a text of 1 to 10 characters.")
  })

  test.each([[[]], ['text'], [3], [null]])('that is no object is refused: %j', async (payload) => {
    const response = await app.inject({
      method: 'POST',
      url: '/things',
      headers: { 'content-type': 'application/json' },
      payload: JSON.stringify(payload),
    })
    expect(response.json()).toMatchObject({ status: 422, errors: [{ pointer: '', code: 'wrong_type' }] })
  })

  test('has no type converted', async () => {
    expect((await post('/things', { name: 5 })).errors[0]).toMatchObject({ pointer: '/name', code: 'wrong_type' })
    expect((await post('/things', { name: 'a', count: '3' })).errors[0]).toMatchObject({ pointer: '/count', code: 'wrong_type' })
  })

  test('keeps everything inside a free-form object', async () => {
    const text = '{"name":"a","input":{"__proto__":{"x":1},"constructor":null,"deep":[{"":null}]}}'
    const headers = { 'content-type': 'application/json' }
    for (const url of ['/things', '/lenient']) expect((await app.inject({ method: 'POST', url, headers, payload: text })).body).toBe(text)
    expect(({} as Record<string, unknown>)['x']).toBeUndefined()
  })

  test('with __proto__ as a field of its own is refused like any unknown field', async () => {
    const headers = { 'content-type': 'application/json' }
    const response = await app.inject({ method: 'POST', url: '/things', headers, payload: '{"name":"a","__proto__":{"count":1}}' })
    expect(response.json().errors).toMatchObject([{ pointer: '/__proto__', code: 'unknown_field' }])
  })

  test('with more problems than an answer lists says so, soon', async () => {
    const answer = await post('/things', { name: 'a', chat_history: Array.from({ length: 90_000 }, () => 1) })
    expect(answer.errors.length).toBeLessThan(110)
    expect(answer.errors.at(-1).code).toBe('more_problems')
    const start = cpuTime()
    const huge = await post('/large', { name: 'a', chat_history: Array.from({ length: 4_000_000 }, () => 1) })
    expect(huge.errors).toMatchObject([{ pointer: '/chat_history', code: 'too_long' }])
    expect(cpuTime() - start).toBeLessThan(3_000)
  })

  test('is counted, and cut for a message, in whole characters', async () => {
    expect((await post('/things', { name: '😀'.repeat(10) })).status).toBe(200)
    const long = await post('/things', { name: '😀'.repeat(50) })
    expect(long.errors[0].message).toBe("'name' must be a text of 1 to 10 characters; it is a text of 50 characters.")
    for (const field of ['😀'.repeat(150), `x${'😀'.repeat(150)}`])
      expect((await post('/things', { name: 'a', [field]: 1 })).errors[0].message.isWellFormed()).toBe(true)
  })

  test('on a route that takes none must be empty or an empty object', async () => {
    expect(await post('/bare', {})).toEqual({ status: 200 })
    expect((await post('/bare', { a: 1 })).errors).toMatchObject([{ pointer: '/a', code: 'unknown_field' }])
  })
})

describe('null', () => {
  const nulls = { name: 'a', count: null, runtime_config: { timeout: null }, parent: null }

  test('is absent in an optional field where the route says so, and kept where the schema has a null', async () => {
    expect(await post('/lenient', nulls)).toEqual({ status: 200, name: 'a', runtime_config: {}, parent: null })
  })

  test('is a problem elsewhere', async () => {
    expect((await post('/things', nulls)).errors.map((one: { pointer: string }) => one.pointer)).toEqual([
      '/count',
      '/runtime_config/timeout',
    ])
  })

  test('is a problem in a required field', async () => {
    expect((await post('/lenient', { name: null })).errors).toMatchObject([
      { pointer: '/name', message: "'name' must be a text of 1 to 10 characters; it is null." },
    ])
  })
})

describe('a query parameter', () => {
  test.each([
    ['limit=5', { limit: 5 }],
    ['is_active=True', { is_active: true }],
    ['is_active=FALSE', { is_active: false }],
    ['is_active=1&limit=007', { is_active: true, limit: 7 }],
    ['q=12', { q: '12' }],
    ['q=a%20b+c', { q: 'a b c' }],
    ['status=a&status=b', { status: ['a', 'b'] }],
    ['status=a', { status: ['a'] }],
    ['q=', { q: '' }],
  ])('%s is read by its schema', async (query, value) => {
    expect(await get(`/search?${query}`)).toEqual({ status: 200, ...value })
  })

  test.each([
    ['limit=0', '?limit', 'out_of_range'],
    ['limit=1.5', '?limit', 'wrong_type'],
    ['limit=', '?limit', 'wrong_type'],
    ['limit=0x10', '?limit', 'wrong_type'],
    ['limit=99999999999999999999', '?limit', 'wrong_type'],
    ['limit=1&limit=2', '?limit', 'repeated_parameter'],
    ['is_active=yes', '?is_active', 'wrong_type'],
    ['q=1&q=2', '?q', 'repeated_parameter'],
    ['Limit=1', '?Limit', 'unknown_parameter'],
    ['__proto__=1', '?__proto__', 'unknown_parameter'],
  ])('%s is refused', async (query, pointer, code) => {
    expect(await get(`/search?${query}`)).toMatchObject({ status: 422, errors: [{ pointer, code }] })
  })
})

describe('a part of the path', () => {
  test('is decoded once, and cannot become two', async () => {
    expect(await get('/named/a%2Freleases%2F1')).toMatchObject({ status: 422, errors: [{ pointer: '/name', code: 'wrong_format' }] })
    expect((await get('/named/%2561')).errors[0].message).toBe("A name has letters, digits and '-', and begins with a letter.")
    expect(await get('/named/%61')).toEqual({ status: 200, name: 'a' })
  })

  test.each(['A', 'a'.repeat(129), 'a'.repeat(5_000), '%00', '%20'])(
    'that breaks its pattern is refused with the custom sentence: %s',
    async (name) => {
      const answer = await get(`/named/${name}`)
      expect(answer).toMatchObject({ status: 422, errors: [{ pointer: '/name', code: 'wrong_format' }] })
      expect(answer.detail).toBe("A name has letters, digits and '-', and begins with a letter.")
    },
  )

  test('is a number where the schema says so', async () => {
    expect(await get('/named/a/releases/3')).toEqual({ status: 200, name: 'a', number: 3 })
    expect(await get('/named/a/releases/x')).toMatchObject({ status: 422, errors: [{ pointer: '/number', code: 'wrong_type' }] })
  })

  test('that is no UUID is left to the route, which knows that there is no such thing', async () => {
    expect(await get('/ids/nonsense')).toEqual({ status: 200, id: 'nonsense' })
  })
})
