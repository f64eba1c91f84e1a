import { expect, it } from 'vitest'
import { EventHub } from './event-hub.ts'

it('takes nobody else along when a listener leaves twice', () => {
  const hub = new EventHub()
  const heard: number[] = []
  const leave = hub.listen('x', () => undefined)
  leave()
  hub.listen('x', (events) => heard.push(...events.map(({ id }) => id)))
  leave()
  hub.publish('x', [{ id: 2, at: 0, type: 'step' }], false)
  expect(heard).toEqual([2])
})
