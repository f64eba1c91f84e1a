import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { modelRequest } from '../../test/support/model-request.ts'
import { startScriptedModel, type PlainReply, type ScriptedModel } from '../../test/support/scripted-model.ts'
import { anthropic } from './anthropic.ts'
import { google } from './google.ts'
import type { Message, Models } from './model.ts'
import { modelsOf, secretsOf } from './providers.ts'
import { createTransport } from './transport.ts'

let server: ScriptedModel
beforeAll(async () => {
  server = await startScriptedModel()
})
afterAll(() => server.close())
afterEach(() => {
  vi.unstubAllEnvs()
})

const fetch = createTransport()
const settings = { defaultModel: 'demo/echo', anthropicApiKey: 'sk-ant-secret', googleApiKey: 'AIza-secret' }

function models(): Models {
  const secrets = secretsOf(settings)
  return modelsOf('demo/echo', [anthropic(settings, secrets, fetch, server.baseUrl), google(settings, secrets, fetch, server.baseUrl)])
}

const stream = (...events: object[]): PlainReply => ({
  status: 200,
  headers: { 'content-type': 'text/event-stream' },
  body: events.map((data) => `data: ${JSON.stringify(data)}\n\n`).join(''),
})

const delta = (index: number, fields: object) => ({ type: 'content_block_delta', index, delta: fields })
const anthropicStart = [
  {
    type: 'message_start',
    message: { id: 'm', model: 'claude-x', role: 'assistant', content: [], usage: { input_tokens: 9, output_tokens: 1 } },
  },
  { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '' } },
  delta(0, { type: 'thinking_delta', thinking: 'Hmm.' }),
  { type: 'content_block_stop', index: 0 },
  { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
  delta(1, { type: 'text_delta', text: 'Let me ' }),
  delta(1, { type: 'text_delta', text: 'see.' }),
  { type: 'content_block_stop', index: 1 },
]
const anthropicEnd = [
  { type: 'content_block_start', index: 2, content_block: { type: 'tool_use', id: 'toolu_1', name: 'search', input: {} } },
  delta(2, { type: 'input_json_delta', partial_json: '{"query":' }),
  delta(2, { type: 'input_json_delta', partial_json: ' "news"}' }),
  { type: 'content_block_stop', index: 2 },
  { type: 'message_delta', delta: { stop_reason: 'tool_use', stop_sequence: null }, usage: { output_tokens: 6 } },
  { type: 'message_stop' },
]

const googleStart = [{ candidates: [{ content: { role: 'model', parts: [{ text: 'Hmm.', thought: true }, { text: 'Let me ' }] } }] }]
const googleEnd = [
  {
    candidates: [
      {
        content: { role: 'model', parts: [{ text: 'see.' }, { functionCall: { name: 'search', args: { query: 'news' } } }] },
        finishReason: 'STOP',
      },
    ],
    usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 6, totalTokenCount: 15 },
  },
]

const search = { name: 'search', description: 'Searches', parameters: { type: 'object', properties: { query: { type: 'string' } } } }
const conversation: Message[] = [
  { role: 'user', text: 'What is new?' },
  { role: 'tool_calls', text: '', calls: [{ id: 'call_9', name: 'search', arguments: '{"query":"old news"}' }] },
  { role: 'tool_results', results: [{ id: 'call_9', name: 'search', output: 'Nothing.' }] },
]

describe.each([
  ['anthropic/claude-sonnet-4-5', anthropicStart, anthropicEnd, 'x-api-key', 'sk-ant-secret', '/v1/messages'],
  [
    'google/gemini-2.5-pro',
    googleStart,
    googleEnd,
    'x-goog-api-key',
    'AIza-secret',
    '/v1/models/gemini-2.5-pro:streamGenerateContent?alt=sse',
  ],
] as const)('%s', (model, start, end, header, key, path) => {
  it('answers with text, calls and tokens, without its thoughts', async () => {
    server.script(stream(...start, ...end))
    const request = modelRequest(model, { tools: [search], system: 'Be brief.', messages: conversation, settings: { temperature: 0.5 } })
    const answer = await models().call(request)
    expect(answer).toMatchObject({ text: 'Let me see.', tokens: { input: 9, output: 6, total: 15 }, finish_reason: 'tool-calls' })
    expect(answer.calls.map(({ name, arguments: text }) => ({ name, args: JSON.parse(text) as unknown }))).toEqual([
      { name: 'search', args: { query: 'news' } },
    ])
    expect(request.pieces).toEqual(['Let me ', 'see.'])
  })

  it('is asked with its key, the idempotency key and the whole conversation', async () => {
    vi.stubEnv('ANTHROPIC_BASE_URL', 'http://127.0.0.1:1')
    server.script(stream(...start, ...end))
    await models().call(modelRequest(model, { tools: [search], system: 'Be brief.', messages: conversation }))
    const { headers, body, path: asked } = server.requests.at(-1)!
    expect(headers).toMatchObject({ [header]: key, 'idempotency-key': 'key-of-the-step' })
    expect(asked).toBe(path)
    for (const part of ['Be brief.', 'What is new?', 'old news', 'Nothing.', 'Searches']) expect(JSON.stringify(body)).toContain(part)
  })

  it('is asked with the key of the call in the place of the configured one, and shows neither', async () => {
    server.script({ status: 403, body: { error: { message: `No: ${key} and of-an-environment` } } })
    await expect(models().call(modelRequest(model, { key: 'of-an-environment' }))).rejects.toMatchObject({
      error: { message: expect.stringContaining('No: [hidden] and [hidden].') },
    })
    const { headers } = server.requests.at(-1)!
    expect(headers[header]).toBe('of-an-environment')
  })

  it('that breaks off is a failure that may pass', async () => {
    server.script(stream(...start), stream())
    for (const _ of [1, 2])
      await expect(models().call(modelRequest(model))).rejects.toMatchObject({ retryable: true, error: { code: 'model_failed' } })
  })

  it('that refuses the key does so without showing it', async () => {
    server.script({ status: 403, body: { type: 'error', error: { type: 'x', code: 403, status: 'X', message: `No access with ${key}` } } })
    await expect(models().call(modelRequest(model))).rejects.toMatchObject({
      retryable: false,
      error: { code: 'model_refused', message: expect.stringContaining('No access with [hidden].') },
    })
  })

  it('that is overloaded within the stream may be asked again', async () => {
    const error = { type: 'overloaded_error', code: 503, status: 'UNAVAILABLE', message: 'Overloaded' }
    server.script(stream(...start, { type: 'error', error }))
    await expect(models().call(modelRequest(model))).rejects.toMatchObject({ retryable: true, error: { code: 'model_failed' } })
  })
})
