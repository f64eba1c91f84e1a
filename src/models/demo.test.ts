import { describe, expect, it } from 'vitest'
import { modelRequest } from '../../test/support/model-request.ts'
import { demo, demoPhrases } from './demo.ts'
import type { Message, ModelRequest, ToolDescription } from './model.ts'

const user = (text: string): Message[] => [{ role: 'user', text }]

async function ask(text: string, fields: Partial<ModelRequest> = {}, pauseMs = 0) {
  const request = modelRequest('demo/assistant', { messages: user(text), ...fields })
  return { ...(await demo(pauseMs).answer('assistant', request)), pieces: request.pieces }
}

const tool = (name: string, parameters: object = { type: 'object', properties: { query: { type: 'string' } } }): ToolDescription => ({
  name,
  description: name,
  parameters,
})

describe('demo/echo', () => {
  it('answers with exactly the last message of the user, in one piece', async () => {
    const messages: Message[] = [...user('first'), { role: 'assistant', text: 'x' }, ...user('  take 9 seconds\n😀 ')]
    const request = modelRequest('demo/echo', { messages, tools: [tool('search')], system: 'always fail' })
    const answer = await demo().answer('echo', request)
    expect(answer).toMatchObject({ text: '  take 9 seconds\n😀 ', calls: [], finish_reason: 'stop' })
    expect(request.pieces).toEqual(['  take 9 seconds\n😀 '])
  })
})

describe('demo/assistant', () => {
  it('says that it is the demo model, what was asked and how its instructions begin', async () => {
    const { text } = await ask('What is new?', { system: 'You help people. You are kind.' })
    expect(text).toContain('demo model')
    expect(text).toContain('What is new?')
    expect(text).toContain('You help people.')
    expect(text).not.toContain('kind')
  })

  it('says what it was asked at first, where there was something before', async () => {
    const messages: Message[] = [...user('My lamp is dark. Help.'), { role: 'assistant', text: 'Oh.' }, ...user('And now?')]
    expect((await ask('', { messages })).text).toContain('You asked: And now?\nAt first you asked: My lamp is dark.')
    expect((await ask('And now?')).text).not.toContain('At first')
  })

  it('streams word by word, each time the same', async () => {
    const first = await ask('One two three')
    expect(first.pieces.length).toBeGreaterThan(10)
    expect(first.pieces.join('')).toBe(first.text)
    expect(await ask('One two three')).toEqual(first)
  })

  it('streams a long text in larger pieces, not for longer', async () => {
    const { pieces, text } = await ask('word '.repeat(20_000))
    expect(pieces.length).toBeLessThan(210)
    expect(text).toContain('word word')
  })

  it('pauses between the pieces', async () => {
    const begun = performance.now()
    const times: number[] = []
    await ask('Hi', { onText: () => void times.push(performance.now() - begun) }, 15)
    expect(times[10]).toBeGreaterThan(140)
  })

  it('counts four tokens for three words', async () => {
    const { tokens, text } = await ask('one two three', { system: 'four five six' })
    const output = Math.ceil((text.split(/\s+/).length * 4) / 3)
    expect(tokens).toEqual({ input: 8, output, total: 8 + output })
  })

  it('stops at once when it is aborted', async () => {
    const cancel = new AbortController()
    const outcome = ask('take 60 seconds', { signal: cancel.signal }).catch((error: unknown) => error)
    cancel.abort('enough')
    expect(await outcome).toBe('enough')
    const whileItSpeaks = new AbortController()
    const onText = () => whileItSpeaks.abort('heard')
    await expect(ask('Hi', { signal: whileItSpeaks.signal, onText })).rejects.toBe('heard')
  })
})

describe('the tools of demo/assistant', () => {
  it('are called once each, in one turn, with the question', async () => {
    const { calls, text, finish_reason, tokens } = await ask('What is new?', { tools: [tool('search'), tool('news')] })
    expect(calls.map(({ name, arguments: text }) => [name, text])).toEqual([
      ['search', '{"query":"What is new?"}'],
      ['news', '{"query":"What is new?"}'],
    ])
    expect(new Set(calls.map(({ id }) => id)).size).toBe(2)
    expect({ text, finish_reason }).toEqual({ text: '', finish_reason: 'tool-calls' })
    expect(tokens.output).toBeGreaterThan(0)
  })

  it('are answered with a text that includes each result', async () => {
    const first = await ask('What is new?', { tools: [tool('search'), tool('news')] })
    const results = first.calls.map(({ id, name }) => ({ id, name, output: `result of ${name}` }))
    const messages: Message[] = [
      ...user('What is new?'),
      { role: 'tool_calls', text: '', calls: first.calls },
      { role: 'tool_results', results },
    ]
    const { text, calls } = await ask('', { messages, tools: [tool('search'), tool('news')] })
    expect(calls).toEqual([])
    expect(text).toContain('result of search')
    expect(text).toContain('result of news')
    const again = await ask('', { messages: [...messages, { role: 'assistant', text }, ...user('And now?')], tools: [tool('search')] })
    expect(again.calls.map(({ name }) => name)).toEqual(['search'])
  })

  it('get plausible arguments where they take no query', async () => {
    const parameters = {
      type: 'object',
      properties: {
        text: { type: 'string', maxLength: 4 },
        count: { type: 'integer', minimum: 3 },
        sure: { type: ['null', 'boolean'] },
        kind: { enum: ['a', 'b'] },
        day: { type: 'string', format: 'date' },
        tags: { type: 'array', items: { type: 'string' } },
        place: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
        either: { anyOf: [{ type: 'number' }, { type: 'string' }] },
        optional: { type: 'string' },
        constructor: { const: 7 },
      },
      required: ['text', 'count', 'sure', 'kind', 'day', 'tags', 'place', 'either', 'constructor', 'unknown'],
    }
    const { calls } = await ask('Berlin', { tools: [tool('weather', parameters), tool('none', {})] })
    expect(JSON.parse(calls[0]!.arguments)).toEqual({
      text: 'Berl',
      count: 3,
      sure: true,
      kind: 'a',
      day: '2026-01-31',
      tags: ['Berlin'],
      place: { city: 'Berlin' },
      either: 1,
      constructor: 7,
      unknown: 'Berlin',
    })
    expect(calls[1]!.arguments).toBe('{}')
  })

  it('get the numbers of the question one after the other, and of several values the one that it mentions', async () => {
    const parameters = {
      type: 'object',
      properties: {
        a: { type: 'number' },
        many: { type: 'integer', minimum: 100 },
        b: { type: 'number' },
        c: { type: 'number' },
        kind: { enum: ['delivery', 'refund'] },
        part: { enum: ['fund', 'und'] },
      },
      required: ['a', 'many', 'b', 'c', 'kind', 'part'],
    }
    const { calls } = await ask('A Refund of 2.5, -4 and 1001 for B52?', { tools: [tool('sum', parameters)] })
    expect(JSON.parse(calls[0]!.arguments)).toEqual({ a: 2.5, many: 1001, b: -4, c: 1, kind: 'refund', part: 'fund' })
  })

  it('that hand over are called where the question mentions whom to', async () => {
    const tools = [tool('search'), tool('transfer_to_billing', {}), tool('transfer_to_technical', {})]
    const called = async (text: string, system?: string) =>
      (await ask(text, { tools, ...(system !== undefined && { system }) })).calls.map(({ name }) => name)
    expect(await called('Is Billing there?')).toEqual(['search', 'transfer_to_billing'])
    expect(await called('My ebilling is gone.')).toEqual(['search'])
    expect(await called('Hello', 'Call tool transfer_to_technical.')).toEqual(['transfer_to_technical'])
  })

  it('with a schema without an end get arguments that have one', async () => {
    const endless: Record<string, unknown> = { type: 'object', required: ['again'] }
    endless['properties'] = { again: endless }
    const { calls } = await ask('Hi', { tools: [tool('loop', endless)] })
    expect(JSON.parse(calls[0]!.arguments)).toHaveProperty('again.again')
  })
})

describe('a phrase for demo/assistant', () => {
  const failure = (text: string, fields: Partial<ModelRequest> = {}) => ask(text, fields).catch((error: unknown) => error)

  it("'fail once' fails the first attempt after some text, and no later one", async () => {
    const pieces: string[] = []
    const onText = (piece: string) => void pieces.push(piece)
    expect(await failure('Please fail once.', { onText })).toMatchObject({ retryable: true, error: { code: 'model_failed' } })
    expect(pieces.join('')).not.toBe('')
    expect((await ask('Please fail once.', { attempt: 2 })).text).toContain('fail once')
  })

  it("'always fail' fails each attempt, also when the system prompt says it", async () => {
    for (const attempt of [1, 2, 9])
      expect(await failure('Hi', { system: 'Always fail.', attempt })).toMatchObject({ retryable: true, error: { code: 'model_failed' } })
  })

  it("'fail for good' is refused, so nobody retries", async () => {
    expect(await failure('fail for good', { attempt: 2 })).toMatchObject({ retryable: false, error: { code: 'model_refused' } })
  })

  it("'take N seconds' waits so long before the first word", async () => {
    const begun = performance.now()
    let first = 0
    await ask('take 0.2 seconds', { onText: () => (first ||= performance.now()) })
    expect(first - begun).toBeGreaterThanOrEqual(195)
  })

  it('counts in the last message of the user more than in the system prompt, and not in older messages', async () => {
    const messages: Message[] = [...user('always fail'), { role: 'assistant', text: 'No.' }, ...user('fail for good')]
    expect(await failure('', { messages, system: 'fail once' })).toMatchObject({ retryable: false })
    expect((await ask('', { messages: [...messages, ...user('Hi')] })).text).toContain('Hi')
  })

  it("'without pauses' brings the text in one piece", async () => {
    const { text, pieces } = await ask('Hi there, without pauses.', {}, 15)
    expect(pieces).toEqual([text])
  })

  it("'call no tools' and 'call tool NAME' choose among the tools", async () => {
    const tools = [tool('search'), tool('news'), tool('web.fetch-page')]
    expect((await ask('call no tools', { tools })).calls).toEqual([])
    expect((await ask('Now call tool web.fetch-page.', { tools })).calls.map(({ name }) => name)).toEqual(['web.fetch-page'])
    const system = 'Call tool `news`, then call tool search!'
    expect((await ask('Hi', { tools, system })).calls.map(({ name }) => name)).toEqual(['search', 'news'])
  })

  it('is in the documentation', () => {
    expect(demoPhrases.map(({ phrase }) => phrase)).toEqual([
      'fail once',
      'always fail',
      'fail for good',
      'take N seconds',
      'without pauses',
      'call no tools',
      'call tool NAME',
    ])
  })
})

describe('demo/assistant with an output schema', () => {
  it('answers with a value that fits it, the same each time', async () => {
    const output_schema = {
      type: 'object',
      properties: {
        category: { enum: ['billing', 'other'] },
        score: { type: 'number', exclusiveMinimum: 0, maximum: 1 },
        title: { type: 'string', minLength: 10 },
        parts: { type: 'array', items: { type: 'integer' }, minItems: 2 },
      },
      required: ['category', 'score', 'title', 'parts'],
    }
    const first = await ask('Hi', { output_schema })
    expect(JSON.parse(first.text)).toEqual({ category: 'billing', score: 1, title: 'Hi........', parts: [1, 1] })
    expect((await ask('Hi', { output_schema })).text).toBe(first.text)
  })
})
