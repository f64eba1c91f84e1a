import { describe, expect, it } from 'vitest'
import { Lanes, type Waiting } from './lanes.ts'

const of = (deployment_id: string, execution_id: string): Waiting => ({ deployment_id, execution_id, bytes: 1, why: 'wake' })
const ids = (waiting: readonly Waiting[]): string[] => waiting.map(({ execution_id }) => execution_id)

function lanesOf(limits: Record<string, number>): Lanes {
  return new Lanes((deploymentId) => limits[deploymentId] ?? Infinity)
}

describe('a lane', () => {
  it('gives its places in the order in which they were asked for', () => {
    const lanes = lanesOf({ a: 2 })
    expect(['1', '2', '3', '4'].map((id) => lanes.enter(of('a', id)))).toEqual([true, true, false, false])
    expect([...lanes.waiting()]).toEqual(['3', '4'])
    expect(ids(lanes.leave('a'))).toEqual(['3'])
    expect(lanes.enter(of('a', '5'))).toBe(false)
    expect(ids(lanes.leave('a'))).toEqual(['4'])
    expect(ids(lanes.leave('a'))).toEqual(['5'])
    expect(lanes.size).toBe(0)
  })

  it('keeps no other waiting', () => {
    const lanes = lanesOf({ a: 1 })
    expect([of('a', '1'), of('a', '2'), of('b', '3'), of('b', '4')].map((one) => lanes.enter(one))).toEqual([true, false, true, true])
  })

  it('lets nobody pass who waits, also when there is a place for a moment', () => {
    const lanes = lanesOf({ a: 1 })
    lanes.enter(of('a', '1'))
    lanes.enter(of('a', '2'))
    const [second] = lanes.leave('a')
    // The journal says that somebody else has it.
    lanes.putBack(second!)
    expect(lanes.enter(of('a', '3'))).toBe(false)
    lanes.take('a')
    expect(ids(lanes.leave('a'))).toEqual(['2'])
    expect(ids(lanes.leave('a'))).toEqual(['3'])
  })

  it('counts what had begun before, beyond its limit as well', () => {
    const lanes = lanesOf({ a: 1 })
    lanes.take('a')
    lanes.take('a')
    expect(lanes.enter(of('a', '3'))).toBe(false)
    expect(ids(lanes.leave('a'))).toEqual([])
    expect(ids(lanes.leave('a'))).toEqual(['3'])
  })

  it('holds an execution once, and forgets one that waits no longer', () => {
    const lanes = lanesOf({ a: 1 })
    lanes.enter(of('a', '1'))
    lanes.enter(of('a', '2'))
    expect(lanes.enter(of('a', '2'))).toBe(false)
    expect(lanes.size).toBe(1)
    lanes.remove(of('a', '2'))
    lanes.remove(of('a', 'unknown'))
    expect(lanes.size).toBe(0)
    expect(ids(lanes.leave('a'))).toEqual([])
  })

  it('gives more places at once when its limit is raised, and fewer when it is lowered', () => {
    const limits = { a: 1 }
    const lanes = lanesOf(limits)
    for (const id of ['1', '2', '3', '4']) lanes.enter(of('a', id))
    expect(ids(lanes.setLimit('a', 3))).toEqual(['2', '3'])
    expect(ids(lanes.setLimit('a', 1))).toEqual([])
    expect([lanes.leave('a'), lanes.leave('a')].map(ids)).toEqual([[], []])
    expect(ids(lanes.leave('a'))).toEqual(['4'])
  })

  it('says how soon a place becomes free, as far as it knows', () => {
    const lanes = lanesOf({ a: 1 })
    lanes.enter(of('a', '1'))
    lanes.enter(of('a', '2'))
    lanes.enter(of('a', '3'))
    expect(lanes.interval('a')).toBeUndefined()
    lanes.leave('a')
    lanes.leave('a')
    expect(lanes.interval('a')).toBeGreaterThanOrEqual(0)
    expect(lanes.interval('b')).toBeUndefined()
  })
})
