import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Alarm } from './alarm.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const DAY = 86_400_000

function alarm() {
  const rung: number[] = []
  const made: Alarm = new Alarm(Date.now, (at) => rung.push(at))
  return { alarm: made, rung }
}

it('rings after months, which no timer can hold', () => {
  const { alarm: one, rung } = alarm()
  const at = Date.now() + 100 * DAY
  one.set(at)
  vi.advanceTimersByTime(99 * DAY)
  expect(rung).toEqual([])
  vi.advanceTimersByTime(DAY)
  expect(rung).toEqual([at])
})

it('rings at the earliest of its times, and at once for one that is past', () => {
  const { alarm: one, rung } = alarm()
  const at = Date.now() + 1_000
  one.set(at)
  one.set(at + 500)
  one.set(at - 500)
  vi.advanceTimersByTime(600)
  expect(rung).toEqual([at - 500])
  one.set(at - 10_000)
  vi.advanceTimersByTime(1)
  expect(rung).toEqual([at - 500, at - 10_000])
})

it('does not heed a wall clock that is set', () => {
  const { alarm: one, rung } = alarm()
  const at = Date.now() + 1_000
  one.set(at)
  vi.setSystemTime(Date.now() + 100 * DAY)
  vi.advanceTimersByTime(999)
  expect(rung).toEqual([])
  vi.setSystemTime(Date.now() - 200 * DAY)
  vi.advanceTimersByTime(1)
  expect(rung).toEqual([at])
})

it('is silent once it is stopped', () => {
  const { alarm: one, rung } = alarm()
  one.set(Date.now() + 10)
  one.stop()
  vi.advanceTimersByTime(100)
  expect(rung).toEqual([])
})
