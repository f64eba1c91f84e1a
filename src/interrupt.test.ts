import { describe, expect, it } from 'vitest'
import { Interrupted, interruptible, roughThreadMilliseconds, threadMilliseconds } from './interrupt.ts'

const endless = (): never => {
  for (;;);
}

describe('work that can be interrupted', () => {
  it('gives what it computed', () => {
    expect(interruptible(() => [1, 2].map((number) => number * 2), 100)).toEqual([2, 4])
  })

  it('throws what it threw itself', () => {
    const error = new Error('mine')
    expect(() =>
      interruptible(() => {
        throw error
      }, 100),
    ).toThrow(error)
  })

  it('is stopped in the middle of a loop that never ends', () => {
    expect(() => interruptible(endless, 5)).toThrow(Interrupted)
  })

  it('is stopped in the middle of matching a pattern', () => {
    expect(() => interruptible(() => /^(a+)+$/.test(`${'a'.repeat(60)}!`), 5)).toThrow(Interrupted)
  })

  it('can contain other work that is interrupted, and goes on after it', () => {
    const outer = () => {
      expect(() => interruptible(endless, 5)).toThrow(Interrupted)
      return 'after'
    }
    expect(interruptible(outer, 5_000)).toBe('after')
    expect(interruptible(() => 'later', 100)).toBe('later')
  })

  it('is begun again when its thread hardly ran, as on a busy machine', () => {
    let attempts = 0
    const sleepy = () => {
      attempts += 1
      // Sleeps without computing, as a thread does that waits for its turn.
      if (attempts === 1) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
      return attempts
    }
    expect(interruptible(sleepy, 40)).toBe(2)
  })
})

it('the rough CPU time of a thread follows the exact one, however often it is asked for', () => {
  for (const began = performance.now(); performance.now() < began + 100;) {
    const before = threadMilliseconds()
    const rough = roughThreadMilliseconds(performance.now())
    // The system counts it in steps of its own, which are longer on a busy machine.
    expect(rough).toBeGreaterThan(before - 25)
    expect(rough).toBeLessThan(threadMilliseconds() + 25)
  }
})
