import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { modelRequest } from '../../test/support/model-request.ts'
import { startScriptedModel, type ScriptedModel } from '../../test/support/scripted-model.ts'
import type { Message, ModelRequest } from './model.ts'
import { createModels, type ModelProviderSettings } from './providers.ts'

let server: ScriptedModel
beforeAll(async () => {
  server = await startScriptedModel()
})
afterAll(() => server.close())
afterEach(() => {
  vi.unstubAllEnvs()
})

const behind = (settings: Partial<ModelProviderSettings> = {}) =>
  createModels({ defaultModel: 'demo/echo', openaiBaseUrl: server.baseUrl, openaiApiKey: 'sk-test', ...settings })
const last = () => server.requests.at(-1)!

const search = {
  name: 'search',
  description: 'Searches',
  parameters: { type: 'object', properties: { query: { type: 'string' } }, required: ['query'] },
}
const afterTheTool: Message[] = [
  { role: 'user', text: 'What is new?' },
  { role: 'tool_calls', text: 'Let me see.', calls: [{ id: 'call_9', name: 'search', arguments: '{"query": "news"}' }] },
  { role: 'tool_results', results: [{ id: 'call_9', name: 'search', output: 'Nothing.' }] },
]

describe.each(['chat', 'responses'] as const)('the %s API behind a base URL', (api) => {
  const ask = (fields: Partial<ModelRequest> = {}) => {
    const request = modelRequest('openai/gpt-4o', { api, ...fields })
    return { request, answer: behind().call(request) }
  }

  it('gives the text, the tokens and the reason for the end', async () => {
    server.script({ text: 'Hello there', usage: { input: 7, output: 3 } })
    const { answer } = ask()
    expect(await answer).toEqual({ text: 'Hello there', calls: [], tokens: { input: 7, output: 3, total: 10 }, finish_reason: 'stop' })
    expect(last().path).toBe(api === 'chat' ? '/v1/chat/completions' : '/v1/responses')
    expect(last().headers).toMatchObject({ authorization: 'Bearer sk-test', 'idempotency-key': 'key-of-the-step' })
  })

  it('is asked with the key of the call in the place of the configured one', async () => {
    server.script({ text: 'ok' }, { text: 'ok' })
    await ask({ key: 'sk-of-an-environment' }).answer
    expect(last().headers.authorization).toBe('Bearer sk-of-an-environment')
    await behind({ openaiApiKey: '' }).call(modelRequest('openai/gpt-4o', { api, key: 'sk-of-an-environment' }))
    expect(last().headers.authorization).toBe('Bearer sk-of-an-environment')
  })

  it('passes pieces on while the answer is still coming', async () => {
    server.script({ pieces: ['Hel', 'lo ', 'never'], hangAfter: 2 })
    const cancel = new AbortController()
    const { request, answer } = ask({ signal: cancel.signal })
    const outcome = answer.catch((error: unknown) => error)
    await vi.waitFor(() => expect(request.pieces).toEqual(['Hel', 'lo ']))
    cancel.abort('enough')
    expect(await outcome).toBe('enough')
    await vi.waitFor(() => expect(last().aborted).toBe(true))
  })

  it('throws the reason when it is aborted while the server hangs, and hangs up', async () => {
    server.script({ hang: true })
    const cancel = new AbortController()
    const outcome = ask({ signal: cancel.signal }).answer.catch((error: unknown) => error)
    const before = server.requests.length
    await vi.waitFor(() => expect(server.requests.length).toBe(before + 1))
    const reason = new Error('timeout of the execution')
    cancel.abort(reason)
    expect(await outcome).toBe(reason)
    await vi.waitFor(() => expect(last().aborted).toBe(true))
  })

  it('returns tool calls with their arguments as they were written', async () => {
    const broken = '{"query": "new'
    server.script({
      text: 'Let me see.',
      toolCalls: [
        { name: 'search', arguments: '{ "query":"ä" }' },
        { name: 'search', arguments: broken },
      ],
    })
    const answer = await ask({ tools: [search] }).answer
    expect(answer).toMatchObject({ text: 'Let me see.', finish_reason: 'tool-calls' })
    expect(answer.calls).toEqual([
      { id: 'call_1', name: 'search', arguments: '{ "query":"ä" }' },
      { id: 'call_2', name: 'search', arguments: broken },
    ])
    expect(JSON.stringify(last().body['tools'])).toContain('"name":"search"')
  })

  it('sends the system prompt, the call and its result back', async () => {
    server.script({ text: 'Nothing is new.' })
    await ask({ tools: [search], system: 'Be brief.', messages: afterTheTool }).answer
    const { messages, input } = last().body
    const sent = JSON.stringify(messages ?? input)
    for (const part of ['Be brief.', 'Let me see.', 'call_9', JSON.stringify('{"query": "news"}'), 'Nothing.']) expect(sent).toContain(part)
  })

  it('wraps arguments that are no JSON object, which would make every later turn fail', async () => {
    server.script({ text: 'Sorry.' })
    const calls = ['{"a', '', '[1]'].map((text, index) => ({ id: `c${index}`, name: 'search', arguments: text }))
    await ask({
      messages: [
        { role: 'user', text: 'Hi' },
        { role: 'tool_calls', text: '', calls },
      ],
    }).answer
    const { messages, input } = last().body
    const sent = messages
      ? (messages[1]!['tool_calls'] as { function: { arguments: string } }[]).map((one) => one.function)
      : input!.slice(1)
    expect(sent.map((one) => JSON.parse(one['arguments'] as string) as unknown)).toEqual([
      { invalid_arguments: '{"a' },
      {},
      { invalid_arguments: '[1]' },
    ])
  })

  it('is asked for JSON where the answer has a schema, in its own way and in words', async () => {
    server.script({ text: '{"sum":1}' })
    const schema = { type: 'object', properties: { sum: { type: 'number' } }, required: ['sum'] }
    await ask({ output_schema: schema, system: 'You add.' }).answer
    const { response_format, text, messages, input } = last().body as Record<string, { type?: string; format?: object }>
    if (api === 'chat') expect(response_format).toMatchObject({ type: 'json_object' })
    else expect(text!.format).toMatchObject({ type: 'json_schema', schema, strict: false })
    expect(JSON.stringify(messages ?? input)).toContain('You add.')
    expect(JSON.stringify(messages ?? input)).toContain('JSON Schema')
  })

  it('sends the settings', async () => {
    server.script({ text: 'ok' })
    await ask({ settings: { temperature: 0.5, top_p: 0.9, max_tokens: 20 } }).answer
    const { body } = last()
    expect(body).toMatchObject({ temperature: 0.5, top_p: 0.9 })
    expect(body['max_tokens'] ?? body['max_output_tokens']).toBe(20)
  })

  it('counts no tokens where the server says nothing of them', async () => {
    server.script({ text: 'ok', lie: 'no usage' })
    expect((await ask().answer).tokens).toEqual({ input: 0, output: 0, total: 0 })
  })

  it('takes a number of tokens that no answer can have for none', async () => {
    server.script({ text: 'ok', usage: { input: 1e17, output: -3 } })
    expect((await ask().answer).tokens).toEqual({ input: 0, output: 0, total: 0 })
  })

  it('reports an answer that was cut at its limit', async () => {
    server.script({ text: 'and so', finishReason: 'length' })
    expect((await ask().answer).finish_reason).toBe('length')
  })

  it('puts characters together that arrive in parts', async () => {
    const text = 'Grüße 😀, 你好'
    server.script({ pieces: [text, 'a\ud83d', '\ude00b'], stutter: true })
    const { request, answer } = ask()
    expect((await answer).text).toBe(`${text}a😀b`)
    expect(request.pieces).toEqual([text, 'a', '😀b'])
  })

  it('reads ten megabytes in thousands of pieces without slowing down', async () => {
    const pieces = Array.from({ length: 5000 }, (_, index) => `${index} `.padEnd(2000, 'x'))
    server.script({ pieces })
    const { request, answer } = ask()
    expect((await answer).text).toBe(pieces.join(''))
    expect(request.pieces).toHaveLength(5000)
  })

  it('lets an error of its listener through as it is', async () => {
    server.script({ pieces: ['a', 'b'], hangAfter: 2 })
    const broken = new Error('the journal is closed')
    const onText = () => {
      throw broken
    }
    await expect(ask({ onText }).answer).rejects.toBe(broken)
    await vi.waitFor(() => expect(last().aborted).toBe(true))
  })
})

describe('which API is spoken', () => {
  it('is chat completions behind a base URL, with usage in the stream', async () => {
    server.script({ text: 'ok' })
    await behind().call(modelRequest('openai/meta/llama'))
    expect(last()).toMatchObject({ path: '/v1/chat/completions', body: { model: 'meta/llama', stream_options: { include_usage: true } } })
  })

  it.each([
    ['https://api.openai.com/v1/responses', undefined],
    ['https://api.openai.com/v1/chat/completions', 'chat'],
  ] as const)("is %s at OpenAI itself when 'api' is %s", async (url, api) => {
    vi.stubEnv('OPENAI_BASE_URL', 'http://127.0.0.1:1/from-the-environment')
    const called: string[] = []
    const refusing = (input: string | URL | Request) => {
      called.push(input as string)
      return Promise.resolve(new Response('{}', { status: 401 }))
    }
    const models = createModels({ defaultModel: 'demo/echo', openaiApiKey: 'sk-test' }, refusing)
    await models.call(modelRequest('openai/gpt-4o', api ? { api } : {})).catch(() => {})
    expect(called).toEqual([url])
  })
})

describe('access', () => {
  it.each(['chat', 'responses'] as const)(
    'without a key sends no Authorization header (%s), whatever the environment holds',
    async (api) => {
      vi.stubEnv('OPENAI_API_KEY', 'sk-from-the-environment')
      server.script({ text: 'ok' })
      const models = createModels({ defaultModel: 'demo/echo', openaiBaseUrl: `${server.baseUrl}/` })
      await models.call(modelRequest('openai/gpt-4o', { api }))
      expect(last().headers).not.toHaveProperty('authorization')
    },
  )

  it.each(['chat', 'responses'] as const)('sends the user-info of a base URL as basic authentication (%s)', async (api) => {
    server.script({ text: 'ok' })
    const openaiBaseUrl = server.baseUrl.replace('://', '://me:p%40ss@')
    await createModels({ defaultModel: 'demo/echo', openaiBaseUrl }).call(modelRequest('openai/gpt-4o', { api }))
    expect(last().headers.authorization).toBe(`Basic ${Buffer.from('me:p@ss').toString('base64')}`)
  })

  it('trims a key', async () => {
    server.script({ text: 'ok' })
    await behind({ openaiApiKey: ' sk-test\n' }).call(modelRequest('openai/gpt-4o'))
    expect(last().headers.authorization).toBe('Bearer sk-test')
  })
})

describe('Ollama', () => {
  it.each(['', '/', '/v1', '/v1/'])("is reached at /v1 of its base URL with '%s' at the end", async (end) => {
    server.script({ text: 'ok' })
    const ollamaBaseUrl = server.baseUrl.replace('/v1', end)
    const answer = await createModels({ defaultModel: 'demo/echo', ollamaBaseUrl }).call(modelRequest('ollama/llama3:8b'))
    expect(answer.text).toBe('ok')
    expect(last()).toMatchObject({ path: '/v1/chat/completions', body: { model: 'llama3:8b' } })
  })

  it('may be written as host:port', async () => {
    server.script({ text: 'ok' })
    const ollamaBaseUrl = new URL(server.baseUrl).host
    expect((await createModels({ defaultModel: 'demo/echo', ollamaBaseUrl }).call(modelRequest('ollama/llama3'))).text).toBe('ok')
  })
})

it('pieces that come slowly come one by one', async () => {
  server.script({ pieces: ['a', 'b', 'c'], delayMs: 20 })
  const times: number[] = []
  await behind().call(modelRequest('openai/gpt-4o', { onText: () => void times.push(performance.now()) }))
  expect(times).toHaveLength(3)
  expect(times[2]! - times[0]!).toBeGreaterThan(20)
})
