import { describe, expect, it } from 'vitest'
import { StopSwitch } from './stop-switch.ts'

const first = new Error('first')
const second = new Error('second')
const never = (): Promise<never> => new Promise(() => undefined)

describe('a switch', () => {
  it('gives a signal that is aborted with the first reason, whether it was asked for before or after', () => {
    const stop = new StopSwitch()
    const { signal } = stop
    expect([stop.isStopped, signal.aborted]).toEqual([false, false])
    stop.stop(first)
    stop.stop(second)
    expect([stop.isStopped, stop.reason, signal.reason]).toEqual([true, first, first])

    const late = new StopSwitch()
    late.stop(first)
    expect(late.signal.reason).toBe(first)
    expect(late.signal).toBe(late.signal)
  })

  it('ends what does not heed the signal, and lets nothing begin any more', async () => {
    const stop = new StopSwitch()
    expect(await stop.untilStopped(() => Promise.resolve('done'))).toBe('done')
    const endless = stop.untilStopped(never)
    stop.stop(first)
    await expect(endless).rejects.toBe(first)
    let begun = false
    await expect(stop.untilStopped(() => ((begun = true), never()))).rejects.toBe(first)
    expect(begun).toBe(false)
    expect(() => stop.throwIfStopped()).toThrow(first)
  })
})
