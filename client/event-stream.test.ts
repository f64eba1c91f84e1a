import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readMessages, type Message } from './event-stream.ts'
import { AnswerText, type StudioEvent } from './events.ts'

async function read(pieces: Uint8Array[]): Promise<Message[]> {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece)
      controller.close()
    },
  })
  return Array.fromAsync(readMessages(body))
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('a stream of server-sent events', () => {
  it('gives each message once it is whole', async () => {
    const text = ': hello\n\nid: 1\ndata: {"a":1}\n\nid: 2\ndata: first\ndata:second\n\nid: 3\ndata: never ended'
    expect(await read([bytes(text)])).toEqual([
      { id: '1', data: '{"a":1}', retry: undefined },
      { id: '2', data: 'first\nsecond', retry: undefined },
    ])
  })

  it('says when to come back, also without any data', async () => {
    expect(await read([bytes('retry: 1500\n: to be continued\n\n')])).toEqual([{ id: undefined, data: '', retry: 1_500 }])
  })

  it('is read the same however it is cut, with any line ends', async () => {
    const lines = fc.constantFrom('\n', '\r\n', '\r')
    const data = fc.array(fc.string({ unit: fc.constantFrom('a', 'é', '🌧', ' ', ':') }), { minLength: 1, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(data, lines, fc.array(fc.nat(200), { maxLength: 8 }), async (texts, end, places) => {
        const whole = bytes(texts.map((text, index) => `id: ${index + 1}${end}data: ${text}${end}${end}`).join('') + ':')
        const cuts = [0, ...places.map((place) => place % (whole.length + 1)).toSorted((one, other) => one - other), whole.length]
        const pieces = cuts.slice(1).map((to, index) => whole.slice(cuts[index], to))
        expect((await read(pieces)).map(({ data: given }) => given)).toEqual(texts)
      }),
    )
  })
})

describe('the text of an answer', () => {
  const base = { execution_id: 'x', deployment_name: 'd', workflow_id: 'w', timestamp: '' }
  const piece = (id: number, data: string): StudioEvent => ({ ...base, id, type: 'content', data, step_id: 's' })

  it('is what the pieces are, less what a retry makes void, counted in characters', () => {
    const answer = new AnswerText()
    answer.add(piece(1, 'Rain 🌧🌧'))
    expect(answer.add({ ...base, id: 2, type: 'retry', step_id: 's', attempt: 1, discard: 2 })).toBe('🌧🌧')
    answer.add(piece(3, 'falls'))
    expect(answer.text).toBe('Rain falls')
  })
})
