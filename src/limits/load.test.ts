import { beforeEach, describe, expect, it } from 'vitest'
import { Load, type LoadKind } from './load.ts'

let now: number
let pendingWrites: number
let oldestWriteMs: number
let isFull: boolean
let turnEnds: (() => void)[]
let load: Load

beforeEach(() => {
  now = 1_000
  pendingWrites = 0
  oldestWriteMs = 0
  isFull = false
  turnEnds = []
  load = new Load({
    pendingWrites: () => pendingWrites,
    oldestWriteMs: () => oldestWriteMs,
    isFull: () => isFull,
    now: () => now,
    afterTurn: (callback) => turnEnds.push(callback),
  })
})

/** A turn of the event loop, in which requests come at these times. @returns which of them were refused */
function turn(ms: number, requests: readonly number[] = [], kind: LoadKind = 'work'): number[] {
  const began = now
  const refused = requests.filter((at) => {
    now = began + at
    return load.refuses(kind)
  })
  for (const end of turnEnds.splice(0)) end()
  now = began + ms
  load.look()
  return refused
}

/** Requests at the beginning of a turn. */
const many = Array.from({ length: 40 }, () => 0)
const turns = (...durations: number[]): void => durations.forEach((ms) => void turn(ms))
const overload = (): void => turns(80, 80, 80)

describe('an event loop that is behind for a while', () => {
  it('begins new work in the first milliseconds of a turn only, and does all else for longer', () => {
    overload()
    expect(load.isCalm).toBe(false)
    expect(turn(15, [...many, 5, 9])).toEqual([5, 9])
    expect(turn(15, [...many, 5, 40, 51], 'rest')).toEqual([51])
    expect(turn(15, [...many, 5])).toEqual([5])
  })

  it('does so at once when it was far behind', () => {
    turns(1_100)
    expect(turn(15, [...many, 5])).toEqual([5])
  })

  it('begins a little in each turn all the same, and less of it in turns that are very long', () => {
    overload()
    const little = [0, ...Array.from({ length: 39 }, (_, index) => 5 + index / 10)]
    expect(turn(15, little)).toHaveLength(40 - 32)
    turns(800)
    expect(turn(15, little)).toHaveLength(40 - 4)
  })

  it('begins less the longer its turns become, and more when they are short again', () => {
    overload()
    const first = () =>
      turn(
        15,
        Array.from({ length: 500 }, (_, index) => index / 100),
      ).at(0)!
    const before = first()
    turns(60, 60, 60)
    expect(first()).toBeLessThan(before)
    turns(10, 10, 10, 10, 10, 10, 10, 10)
    expect(first()).toBeGreaterThan(before)
  })

  it('is calm again when for a second hardly anything had to be refused', () => {
    overload()
    for (let round = 0; round < 300; round++) turn(15, [...many, 10, 11, 12])
    expect(load.isCalm).toBe(false)
    for (let round = 0; round < 150; round++) turn(15, many)
    expect(load.isCalm).toBe(true)
    expect(turn(200, [...many, 199])).toEqual([])
  })
})

describe('nothing is refused', () => {
  it('after the event loop stood still for a moment, or had a burst', () => {
    turns(900, 10, 10)
    expect(turn(300, [...many, 299])).toEqual([])
    turns(10, 200, 200, 10, 200, 200, 10)
    expect(turn(300, [...many, 299])).toEqual([])
  })

  it('where the event loop is slow all the time and not behind', () => {
    turns(...Array<number>(100).fill(55))
    expect(turn(55, [...many, 54])).toEqual([])
  })
})

describe('new work is refused, and nothing else,', () => {
  const refused = () => (['work', 'rest'] as const).filter((kind) => load.refuses(kind))

  it.each([
    [255, 10_000, []],
    [256, 500, []],
    [256, 501, ['work']],
  ])('while many writes wait for long: %i for %i ms', (pending, ms, expected) => {
    pendingWrites = pending
    oldestWriteMs = ms
    turn(10)
    expect(refused()).toEqual(expected)
    pendingWrites = oldestWriteMs = 0
    turn(10)
    expect(refused()).toEqual([])
  })

  it('while as many executions wait as can be held', () => {
    isFull = true
    turn(10)
    expect(refused()).toEqual(['work'])
  })
})
