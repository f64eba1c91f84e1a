import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { modelRequest } from '../../test/support/model-request.ts'
import { startScriptedModel, type Reply, type ScriptedModel } from '../../test/support/scripted-model.ts'
import { ModelCallError } from './model-call-error.ts'
import { createModels, type ModelProviderSettings } from './providers.ts'

let server: ScriptedModel
beforeAll(async () => {
  server = await startScriptedModel()
})
afterAll(() => server.close())

const key = 'secret-key+42/='

async function failure(reply: Reply | undefined, settings: Partial<ModelProviderSettings> = {}, api: 'chat' | 'responses' = 'chat') {
  if (reply) server.script(reply)
  const models = createModels({ defaultModel: 'demo/echo', openaiBaseUrl: server.baseUrl, openaiApiKey: key, ...settings })
  const outcome = await models.call(modelRequest('openai/gpt-4o', { api })).catch((error: unknown) => error)
  if (!(outcome instanceof ModelCallError)) throw new Error(`expected a failed call, got ${String(outcome)}`)
  const { code, details } = outcome.error.serialize()
  return {
    code,
    retryable: outcome.retryable,
    retryAfterMs: outcome.retryAfterMs,
    ...(details as { reason: string; provider_status?: number }),
  }
}

const said = (message: string) => ({ error: { message, type: 'some_error' } })

describe.each(['chat', 'responses'] as const)('%s: a status', (api) => {
  it.each([400, 401, 402, 403, 404, 405, 413, 415, 422, 418])('%i is refused for good', async (status) => {
    const result = await failure({ status, body: said('No, thanks') }, {}, api)
    expect(result).toMatchObject({ code: 'model_refused', retryable: false, provider_status: status, reason: 'No, thanks.' })
  })

  it.each([408, 409, 425, 429, 500, 502, 503, 529])('%i may pass', async (status) => {
    const result = await failure({ status, body: said('Not now.') }, {}, api)
    expect(result).toMatchObject({ code: 'model_failed', retryable: true, provider_status: status, reason: 'Not now.' })
  })

  it.each([
    ['Retry-After', '3', 3000],
    ['retry-after-ms', '40', 40],
    ['Retry-After', new Date(Date.now() - 60_000).toUTCString(), 0],
    ['Retry-After', 'whenever', undefined],
  ])('with %s: %s says when', async (name, value, ms) => {
    const result = await failure({ status: 429, headers: { [name]: value }, body: said('Slow down.') }, {}, api)
    expect(result.retryAfterMs).toBe(ms)
  })
})

describe.each(['chat', 'responses'] as const)('%s: an answer that breaks', (api) => {
  it.each<[string, Reply]>([
    ['off before the first piece', { pieces: ['a'], breakAfter: 0 }],
    ['off in the middle', { pieces: ['a', 'b', 'c'], breakAfter: 2 }],
    ['off where only the end is missing', { text: 'all of it', breakAfter: 1 }],
    ['by ending without a finish reason', { text: 'all of it', lie: 'no finish reason' }],
    ['by ending with nothing', { lie: 'no finish reason' }],
    ['with JSON that is none', { pieces: ['a', 'b'], lie: 'malformed JSON' }],
    ['with a shape that nobody knows', { pieces: ['a', 'b'], lie: 'unknown shape' }],
    ['by being a web page', { text: 'x', lie: 'content type' }],
    [
      'with an error within the stream',
      { text: 'x', streamError: { type: 'error', error: { type: 'server_error', message: 'Overloaded', code: null } } },
    ],
  ])('%s is a failure that may pass', async (_, reply) => {
    const result = await failure(reply, {}, api)
    expect(result).toMatchObject({ code: 'model_failed', retryable: true })
    expect(result.reason).toMatch(/^[A-Z].{5,298}[.…)]$/)
  })
})

describe('the reason', () => {
  it('tells a web page from a stream', async () => {
    expect((await failure({ text: 'x', lie: 'content type' })).reason).toContain('text/html')
  })

  it("is the provider's own, in whatever shape it comes", async () => {
    const bodies = [said('It is full'), { error: 'It is full' }, { message: 'It is full' }, { detail: 'It is full' }, 'It is\n full']
    for (const body of bodies) expect((await failure({ status: 400, body })).reason).toBe('It is full.')
  })

  it('falls back on the status where a proxy sends a page', async () => {
    expect((await failure({ status: 502, body: '<html><h1>nginx</h1></html>' })).reason).toBe('Bad Gateway.')
  })

  it('is one line of at most 300 characters', async () => {
    const { reason } = await failure({ status: 400, body: said(`long\n\u0000 ${'story '.repeat(1000)}`) })
    expect(reason).toMatch(/^long story story .{200,}…$/)
    expect(reason.length).toBeLessThanOrEqual(300)
  })

  it('says within the stream that the request is at fault', async () => {
    const streamError = { error: { message: 'Too long', type: 'invalid_request_error', code: 'context_length_exceeded' } }
    expect(await failure({ streamError })).toMatchObject({ code: 'model_refused', retryable: false, reason: 'Too long.' })
    expect(await failure({ streamError: { error: { message: 'Wait', code: 429 } } })).toMatchObject({
      retryable: true,
      provider_status: 429,
    })
  })
})

describe('a server that is not there', () => {
  it('is a failure that may pass', async () => {
    const gone = await startScriptedModel()
    await gone.close()
    const result = await failure(undefined, { openaiBaseUrl: gone.baseUrl })
    expect(result).toMatchObject({ code: 'model_failed', retryable: true, reason: expect.stringContaining('ECONNREFUSED') })
  })

  it.each(['http://[broken/v1', 'http://me:pass@[broken/v1'])('because its URL is none (%s) is refused', async (openaiBaseUrl) => {
    const result = await failure(undefined, { openaiBaseUrl })
    expect(result).toMatchObject({ code: 'model_refused', retryable: false })
    expect(result.reason).not.toContain('pass')
  })
})

describe('a key', () => {
  it.each<[string, (authorization: string) => Reply]>([
    ['in the message', (authorization) => ({ status: 401, body: said(`Wrong: ${authorization}`) })],
    ['in a body of text', (authorization) => ({ status: 401, body: `Wrong: ${authorization}` })],
    ['at the place where the reason is cut', (authorization) => ({ status: 401, body: said('x'.repeat(290) + authorization) })],
    ['within the stream', (authorization) => ({ streamError: said(`Wrong: ${authorization}`) })],
  ])('that the provider quotes %s is not shown', async (_, reply) => {
    for (const api of ['chat', 'responses'] as const) {
      const result = await failure(reply(`Bearer ${key}`), {}, api)
      expect(JSON.stringify(result)).not.toContain('secret')
    }
  })

  it.each(['secret\nkey', 'секрет-secret'])('that cannot be sent (%j) is refused and not shown', async (openaiApiKey) => {
    for (const api of ['chat', 'responses'] as const) {
      const result = await failure(undefined, { openaiApiKey }, api)
      expect(result).toMatchObject({ code: 'model_refused', retryable: false })
      expect(JSON.stringify(result)).not.toContain('secret')
    }
  })

  it('in the user-info of a base URL is not shown', async () => {
    const { openaiBaseUrl } = { openaiBaseUrl: server.baseUrl.replace('://', '://me:hush-hush@') }
    const basic = Buffer.from('me:hush-hush').toString('base64')
    const result = await failure({ status: 401, body: said(`${basic} hush-hush ${openaiBaseUrl}`) }, { openaiBaseUrl })
    expect(JSON.stringify(result)).not.toMatch(new RegExp(`hush|${basic}`))
  })
})
