import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { listening } from '../../test/support/answering-server.ts'
import { deceivingLookup, forbiddenUrls, redirecting } from '../../test/support/forbidden-urls.ts'
import { modelRequest } from '../../test/support/model-request.ts'
import { startScriptedModel, type ScriptedModel } from '../../test/support/scripted-model.ts'
import { createOutgoing, type OutgoingOptions } from '../outgoing/outgoing.ts'
import { ModelCallError } from './model-call-error.ts'
import type { ModelRequest } from './model.ts'
import { checkedTransport } from './named-server.ts'
import { createModels } from './providers.ts'
import { createTransport } from './transport.ts'

let server: ScriptedModel
beforeAll(async () => {
  server = await startScriptedModel()
})
afterAll(() => server.close())

const operators = {
  defaultModel: 'demo/echo',
  openaiApiKey: 'sk-of-the-operator',
  anthropicApiKey: 'anthropic-of-the-operator',
  googleApiKey: 'google-of-the-operator',
  openaiBaseUrl: 'http://user:password@127.0.0.1:9/v1',
}

function ask(fields: Partial<ModelRequest>, model = 'openai/llama', options: OutgoingOptions = { privateAddresses: ['127.0.0.1'] }) {
  const models = createModels(operators, createTransport(), checkedTransport(createOutgoing(options)))
  return models.call(modelRequest(model, { base_url: server.baseUrl, ...fields }))
}

async function failed(call: Promise<unknown>) {
  const outcome = await call.catch((error: unknown) => error)
  if (!(outcome instanceof ModelCallError)) throw new Error(`expected a failed call, got ${String(outcome)}`)
  return { code: outcome.error.code, retryable: outcome.retryable, message: outcome.error.message }
}

describe('a server that an agent names', () => {
  it.each([
    ['openai/llama', undefined, 'llama', '/v1/chat/completions'],
    ['openai/meta/llama-3', 'chat', 'meta/llama-3', '/v1/chat/completions'],
    ['gpt-4o', undefined, 'gpt-4o', '/v1/chat/completions'],
    ['openai/demo/echo', 'responses', 'demo/echo', '/v1/responses'],
  ] as const)('is asked for %s by the API %s', async (model, api, name, path) => {
    server.script({ text: 'ok', usage: { input: 3, output: 4 } })
    const answer = await ask({ base_url: `${server.baseUrl}/`, ...(api && { api }) }, model)
    expect(answer).toMatchObject({ text: 'ok', tokens: { total: 7 } })
    expect(server.requests.at(-1)).toMatchObject({ path, body: { model: name } })
  })

  it.each(['openai/llama', 'anthropic/claude', 'google/gemini', 'ollama/llama', 'llama'])(
    'gets none of the keys of the operator, whatever its model is called: %s',
    async (model) => {
      for (const api of ['chat', 'responses'] as const) {
        server.script({ text: 'ok' })
        vi.stubEnv('OPENAI_API_KEY', 'sk-of-the-environment')
        await ask({ api }, model)
        vi.unstubAllEnvs()
        const { headers } = server.requests.at(-1)!
        expect(headers.authorization).toBeUndefined()
        expect(JSON.stringify(headers)).not.toMatch(/operator|environment|password/)
      }
    },
  )

  it('gets the key that comes with the request, which no message shows', async () => {
    server.script({ text: 'ok' }, { status: 401, body: { error: { message: 'The key sk-of-the-agent is wrong' } } })
    await ask({ key: 'sk-of-the-agent' })
    expect(server.requests.at(-1)!.headers.authorization).toBe('Bearer sk-of-the-agent')
    const failure = await failed(ask({ key: 'sk-of-the-agent' }))
    expect(failure).toMatchObject({ code: 'model_refused', retryable: false })
    expect(failure.message).not.toContain('sk-of-the-agent')
  })

  it('is reached by no proxy and by no redirect', async () => {
    const other = await startScriptedModel()
    vi.stubEnv('NODE_USE_ENV_PROXY', '1')
    vi.stubEnv('HTTP_PROXY', other.baseUrl)
    server.script({ status: 307, headers: { location: `${other.baseUrl}/chat/completions` } })
    expect(await failed(ask({ key: 'sk' }))).toMatchObject({ code: 'model_refused', message: expect.stringContaining('redirects') })
    vi.unstubAllEnvs()
    expect(other.requests).toEqual([])
    await other.close()
  })

  it('that is not public is refused in every form, and nobody there is reached', async () => {
    const { port, sockets } = await listening(createServer(), '::')
    const permitted = await redirecting()
    const options = { privateAddresses: [`127.0.0.1:${permitted.port}`], lookup: deceivingLookup('127.0.0.2') }
    for (const base_url of forbiddenUrls(port, permitted.url)) {
      const failure = await failed(ask({ base_url }, 'openai/llama', options))
      expect([base_url, failure.retryable]).toEqual([base_url, false])
    }
    expect(sockets).toEqual([])
    expect(await failed(ask({ base_url: 'http://private.test/v1' }, 'openai/llama', options))).toEqual({
      code: 'address_not_allowed',
      retryable: false,
      message: expect.stringContaining("'http://private.test' leads to an address that is not public"),
    })
  })

  it('that cannot be reached is a failure that may pass, and does not show where it is', async () => {
    const { port } = await listening(createServer((socket) => socket.destroy()))
    const lookup = async () => [{ address: '127.0.0.1', family: 4 }]
    const failure = await failed(
      ask({ base_url: `http://inner.test:${port}/v1` }, 'openai/llama', { privateAddresses: ['inner.test'], lookup }),
    )
    expect(failure).toMatchObject({ code: 'model_failed', retryable: true })
    expect(failure.message).not.toContain('127.0.0.1')
  })

  it('closes the connection of a call that is aborted', async () => {
    server.script({ hang: true })
    const cancel = new AbortController()
    const call = ask({ signal: cancel.signal }).catch((error: unknown) => error)
    const before = server.requests.length
    await vi.waitFor(() => expect(server.requests.length).toBe(before + 1))
    cancel.abort(new Error('enough'))
    expect(await call).toEqual(new Error('enough'))
    expect(await server.requests.at(-1)!.ended).toBe('aborted')
  })
})
