import fc from 'fast-check'
import { expect, it } from 'vitest'
import { chargeRate, refundRate, type RateLimit } from './rate.ts'

/** @returns at which of these times a request was taken */
function taken(limit: RateLimit, times: readonly number[]): number[] {
  let fullAt: number | undefined
  return times.filter((now) => {
    const charge = chargeRate(limit, fullAt, now)
    fullAt = charge.fullAt ?? fullAt
    return charge.fullAt !== undefined
  })
}

it('takes all requests at once, and then one as often as they fill up', () => {
  const limit = { requests: 3, seconds: 30 }
  expect(taken(limit, [0, 0, 0, 0, 9_999, 10_000, 10_001, 20_000])).toEqual([0, 0, 0, 10_000, 20_000])
})

it('says how many remain, and when there are more', () => {
  const limit = { requests: 3, seconds: 30 }
  const first = chargeRate(limit, undefined, 0)
  expect(first.state).toEqual({ ...limit, remaining: 2, reset: 10 })
  const second = chargeRate(limit, first.fullAt!, 0)
  const third = chargeRate(limit, second.fullAt!, 0)
  expect(third.state).toEqual({ ...limit, remaining: 0, reset: 10 })
  const refused = chargeRate(limit, third.fullAt!, 2_500)
  expect(refused).toEqual({ state: { ...limit, remaining: 0, reset: 8 } })
})

it('is not closed for longer than it takes to fill by a clock that was set back', () => {
  const limit = { requests: 2, seconds: 10 }
  const { fullAt } = chargeRate(limit, undefined, 1e12)
  expect(chargeRate(limit, fullAt, 0).state).toMatchObject({ remaining: 0, reset: 5 })
  expect(taken(limit, [1e12, 1e12, 0, 5_000])).toEqual([1e12, 1e12])
  expect(chargeRate(limit, fullAt, 1e12 + 5_000).fullAt).toBeDefined()
})

it('gives back what was charged', () => {
  const limit = { requests: 7, seconds: 3 }
  const first = chargeRate(limit, undefined, 500)
  const second = chargeRate(limit, first.fullAt!, 500)
  expect(refundRate(limit, second.fullAt!)).toBeCloseTo(first.fullAt!)
})

it('never takes more than it says, whatever comes when, and takes the next one when it says', () => {
  const limits = fc.record({ requests: fc.integer({ min: 1, max: 1_000 }), seconds: fc.integer({ min: 1, max: 100 }) })
  fc.assert(
    fc.property(limits, fc.array(fc.nat(5_000), { maxLength: 300 }), (limit, gaps) => {
      let now = 0
      const times = gaps.map((gap) => (now += gap))
      const all = taken(limit, times)
      for (const from of all) {
        const within = all.filter((at) => at >= from && at < from + limit.seconds * 1_000).length
        expect(within).toBeLessThanOrEqual(2 * limit.requests)
      }
      expect(all.length).toBeLessThanOrEqual(limit.requests + Math.floor((now / 1_000 / limit.seconds) * limit.requests) + 1)
    }),
  )
  fc.assert(
    fc.property(limits, fc.nat(10_000), (limit, since) => {
      let fullAt: number | undefined
      for (let sent = 0; sent < limit.requests; sent++) fullAt = chargeRate(limit, fullAt, 0).fullAt
      const now = Math.min(since, (limit.seconds * 1_000) / limit.requests - 1)
      const { fullAt: taken, state } = chargeRate(limit, fullAt, now)
      expect(taken).toBeUndefined()
      expect(chargeRate(limit, fullAt, now + state.reset * 1_000).fullAt).toBeDefined()
    }),
  )
})
