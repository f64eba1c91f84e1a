import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Collector } from '../../test/support/collector.ts'
import { TemplateCompiler } from '../graph/step-compiler.ts'
import type { Attempt, StepKind } from '../graph/step-kind.ts'
import { createOutgoing } from '../outgoing/outgoing.ts'
import { http } from './http/kind.ts'
import { notify } from './notify/kind.ts'

/** What a step sends and makes of the answer, over a real connection. */

let server: Collector
beforeAll(async () => {
  server = await Collector.start()
})
afterAll(() => server.stop())
beforeEach(() => {
  server.received.length = 0
  server.replies = [{}]
})

const secrets: Record<string, string> = { TOKEN: 'sesame', SIGNING: `whsec_${Buffer.from('a signing key').toString('base64')}` }
const scope = {
  input: { id: 'a b', list: [1, 2] },
  query: 'q',
  chat_history: [],
  variables: {},
  steps: { before: { status: 'completed' as const, output: { sum: 7 } } },
  now: '2026-01-01T00:00:00.000Z',
  execution: {},
}

function run(kind: StepKind, config: object, signal = new AbortController().signal): Promise<unknown> {
  const compiler = new TemplateCompiler('', (pointer, code, message) => {
    throw new Error(`${pointer} ${code} ${message}`)
  })
  const program = kind.compile(config as never, compiler, { id: 's', name: 's', before: ['before'] })
  if (program.type !== 'work') throw new Error('it reaches nothing')
  const attempt: Attempt = {
    scope,
    number: 1,
    signal,
    idempotencyKey: 'execution:stéps',
    environment: 'production',
    emit: () => undefined,
    outside: {
      outgoing: createOutgoing({ privateAddresses: ['127.0.0.1'] }),
      sandbox: { run: () => Promise.reject(new Error('no sandbox')) },
      secrets: {
        resolveAll: async (_environment, names) => Object.fromEntries(names.map((name) => [name, secrets[name]!])),
        of: () => undefined,
      },
    },
  }
  return program.run(attempt)
}

describe('an http step', () => {
  it('sends what its templates make of what is there, secrets included', async () => {
    server.replies = [{ headers: { 'content-type': 'application/json; charset=utf-8' }, body: '{"title":"x"}' }]
    const output = await run(http, {
      url: `${server.url}/orders/{{ input.id | url_encode }}?a=1`,
      method: 'POST',
      headers: { Authorization: 'Bearer {{ secrets.TOKEN }}', 'X-Sum': '{{ steps.before.output.sum }}' },
      query: { list: '{{ input.list }}', none: null, text: 'ä&b' },
      body: { id: '{{ input.id }}', list: '{{ input.list }}' },
    })
    expect(output).toEqual({ title: 'x' })
    expect(server.received).toMatchObject([
      {
        method: 'POST',
        url: '/orders/a+b?a=1&list=1&list=2&text=%C3%A4%26b',
        headers: {
          authorization: 'Bearer sesame',
          'x-sum': '7',
          'content-type': 'application/json',
          'idempotency-key': 'execution%3Ast%C3%A9ps',
        },
        body: '{"id":"a b","list":[1,2]}',
      },
    ])
  })

  it('gives text as text, JSON as a value, and status and headers where they are asked for', async () => {
    server.replies = [{ headers: { 'content-type': 'text/plain' }, body: '{"a":1}' }]
    expect(await run(http, { url: server.url })).toBe('{"a":1}')
    expect(await run(http, { url: server.url, parse: 'json' })).toEqual({ a: 1 })
    expect(await run(http, { url: server.url, output: 'response' })).toMatchObject({
      status: 200,
      headers: { 'content-type': 'text/plain' },
      body: '{"a":1}',
    })
    server.replies = [{ headers: { 'content-type': 'application/json' }, body: '{oops' }]
    await expect(run(http, { url: server.url })).rejects.toMatchObject({ error: { code: 'step_output_invalid' }, retryable: false })
  })

  it.each([
    [400, false],
    [401, false],
    [404, false],
    [429, true],
    [503, true],
  ])('that is answered with %i fails, and may be retried: %s', async (status, retryable) => {
    server.replies = [{ status, headers: { 'retry-after': '2' }, body: 'not now' }]
    await expect(run(http, { url: server.url })).rejects.toMatchObject({
      error: { code: 'http_step_failed', members: { answer_status: status } },
      retryable,
      retryAfterMs: 2_000,
    })
    expect(await run(http, { url: server.url, expect: [status] })).toBe('not now')
  })

  it('takes no more than it may, and waits no longer', async () => {
    server.replies = [{ body: Buffer.alloc(2_000_000) }, { hangs: true }]
    await expect(run(http, { url: server.url, max_bytes: 1_000_000 })).rejects.toMatchObject({
      error: { code: 'answer_too_large' },
    })
    const began = performance.now()
    await expect(run(http, { url: server.url, timeout: 0.2 })).rejects.toMatchObject({ error: { code: 'outgoing_timeout' } })
    expect(performance.now() - began).toBeLessThan(3_000)
  })

  it('lets go at once when it is stopped', async () => {
    server.replies = [{ hangs: true }]
    const stop = new AbortController()
    const running = run(http, { url: server.url }, stop.signal)
    await expect.poll(() => server.received.length).toBe(1)
    stop.abort(new Error('stopped'))
    await expect(running).rejects.toThrow('stopped')
  })

  it.each(['', 'not an address', '/path', 'ftp://example.org/'])('does not take %j for an address', async (url) => {
    await expect(run(http, { url: url || '{{ query | remove: "q" }}' })).rejects.toThrow()
    expect(server.received).toEqual([])
  })
})

describe('a notification', () => {
  it('is a Standard Webhook: signed, and with one id for all attempts', async () => {
    const output = await run(notify, {
      url: `${server.url}/hook`,
      type: 'order.paid',
      data: { sum: '{{ steps.before.output.sum }}' },
      secret: '{{ secrets.SIGNING }}',
    })
    const [{ headers, body, method }] = server.received as [(typeof server.received)[0]]
    expect(method).toBe('POST')
    expect(JSON.parse(body)).toEqual({ type: 'order.paid', timestamp: scope.now, data: { sum: 7 } })
    const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`
    expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', 'a signing key').update(signed).digest('base64')}`)
    expect(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1_000)).toBeLessThan(60)
    expect(output).toEqual({ status: 200, webhook_id: headers['webhook-id'] })
    await run(notify, { url: `${server.url}/hook` })
    expect(server.received[1]!.headers['webhook-id']).toBe(headers['webhook-id'])
    expect(JSON.parse(server.received[1]!.body)).toMatchObject({ type: 'workflow.notification', data: { sum: 7 } })
    expect(server.received[1]!.headers).not.toHaveProperty('webhook-signature')
  })

  it('that is refused fails as an http step does', async () => {
    server.replies = [{ status: 410 }]
    await expect(run(notify, { url: server.url })).rejects.toMatchObject({ error: { code: 'http_step_failed' }, retryable: false })
  })
})
