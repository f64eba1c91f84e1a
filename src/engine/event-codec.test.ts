import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeEvents, encodeEvents } from './event-codec.ts'
import type { RecordedEvent } from './journal.ts'

const text = fc.string({ unit: 'grapheme' })
const step = fc.record({
  type: fc.constant('step'),
  step_id: fc.constantFrom('a#1', 'a#1.1/b#1', '__proto__'),
  kind: fc.constant('model'),
  name: text,
  state: fc.constantFrom('started', 'completed', 'failed'),
  attempt: fc.integer({ min: 1, max: 99 }),
})
const content = fc.record({ type: fc.constant('content'), data: text, step_id: fc.constantFrom('a#1', 'b#2') })
const other = fc.record({ type: fc.constantFrom('tool', 'retry', 'resume'), arguments: fc.jsonValue(), discard: fc.nat() })

it('gives back every event as it was', () => {
  const events = fc.array(fc.oneof(step, content, other), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(events, fc.integer({ min: 2, max: 1e9 }), fc.integer({ min: 0, max: 2e12 }), (made, first_id, at) => {
      // What a step is does not change between its events.
      const names = new Map<string, string>()
      const recorded = made.map((event, index): RecordedEvent => {
        const id = first_id + index
        if (event.type !== 'step') return { ...event, id, at: at + 7 * index }
        const { step_id, name } = event as { step_id: string; name: string }
        if (!names.has(step_id)) names.set(step_id, name)
        return { ...event, name: names.get(step_id)!, model: 'demo/echo', demo: true, id, at: at + 7 * index }
      })
      expect(decodeEvents({ first_id, events: encodeEvents(recorded) })).toEqual(JSON.parse(JSON.stringify(recorded)))
    }),
  )
})

it('reads what version 0.1 stored', () => {
  const events: RecordedEvent[] = [{ type: 'content', data: 'x', step_id: 'a#1', id: 2, at: 5 }]
  expect(decodeEvents({ first_id: 2, events: JSON.stringify(events) })).toEqual(events)
})

it('stores events of steps in a fraction of what is sent', () => {
  const ofStep = (state: string, id: number): RecordedEvent => ({
    type: 'step',
    step_id: 'lead#1.1/helper#1',
    kind: 'model',
    name: 'helper',
    state,
    attempt: 1,
    model: 'openai/gpt-4o',
    id,
    at: 1_790_000_000_000 + id,
  })
  const events = [2, 3, 4, 5].flatMap((id) => [ofStep('started', id), ofStep('completed', id)])
  expect(encodeEvents(events).length).toBeLessThan(JSON.stringify(events).length / 5)
})
