import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chargeRate, refundRate, type Bucket, type RateLimit } from './rate.ts'

/** @returns at which of these times a request was taken */
function taken(limit: RateLimit, times: readonly number[]): number[] {
  let bucket: Bucket | undefined
  return times.filter((now) => {
    const charge = chargeRate(limit, bucket, now)
    bucket = charge.bucket ?? bucket
    return charge.bucket !== undefined
  })
}

/** Of which as much was used at once. */
function used(limit: RateLimit, requests: number, now = 0): Bucket | undefined {
  let bucket: Bucket | undefined
  for (let sent = 0; sent < requests; sent++) bucket = chargeRate(limit, bucket, now).bucket
  return bucket
}

describe('a rate limit', () => {
  const limit = { requests: 3, seconds: 30 }

  it('takes all requests at once, and then one as often as they come back', () => {
    expect(taken(limit, [0, 0, 0, 0, 9_999, 10_000, 10_001, 20_000])).toEqual([0, 0, 0, 10_000, 20_000])
  })

  it('says how many remain, and when there are more', () => {
    const states = [0, 1, 2].map((before) => chargeRate(limit, used(limit, before), 0).state)
    expect(states).toEqual([
      { ...limit, remaining: 2, reset: 10 },
      { ...limit, remaining: 1, reset: 20 },
      { ...limit, remaining: 0, reset: 10 },
    ])
    expect(chargeRate(limit, used(limit, 3), 2_500)).toEqual({ state: { ...limit, remaining: 0, reset: 8 } })
  })

  it('is not closed for longer than it takes to come back by a clock that was set back', () => {
    const bucket = used(limit, 3, 1e12)
    expect(chargeRate(limit, bucket, 0).state).toMatchObject({ remaining: 0, reset: 10 })
    expect(chargeRate(limit, bucket, 1e12 + 10_000).bucket).toBeDefined()
  })

  it('that is raised, or lowered, has as many requests used as before', () => {
    expect(chargeRate({ requests: 10, seconds: 30 }, used(limit, 3), 0).state.remaining).toBe(6)
    expect(chargeRate({ requests: 10, seconds: 3_000 }, used(limit, 1), 0).state.remaining).toBe(8)
    expect(chargeRate({ requests: 2, seconds: 30 }, used(limit, 1), 0).state.remaining).toBe(0)
    expect(chargeRate({ requests: 1, seconds: 60 }, used(limit, 3), 0)).toEqual({
      state: { requests: 1, seconds: 60, remaining: 0, reset: 60 },
    })
  })

  it('gives back what was charged', () => {
    const odd = { requests: 7, seconds: 3 }
    const back = refundRate(used(odd, 2, 500)!)
    expect(back.full_at).toBeCloseTo(used(odd, 1, 500)!.full_at)
  })
})

describe('whatever comes when', () => {
  const limits = fc.record({ requests: fc.integer({ min: 1, max: 1_000 }), seconds: fc.integer({ min: 1, max: 100 }) })

  it('no more is taken than the limit says', () => {
    fc.assert(
      fc.property(limits, fc.array(fc.nat(5_000), { maxLength: 300 }), (limit, gaps) => {
        let now = 0
        const all = taken(
          limit,
          gaps.map((gap) => (now += gap)),
        )
        for (const from of all) {
          const within = all.filter((at) => at >= from && at < from + limit.seconds * 1_000).length
          expect(within).toBeLessThanOrEqual(2 * limit.requests)
        }
        expect(all.length).toBeLessThanOrEqual(limit.requests + Math.floor((now / 1_000 / limit.seconds) * limit.requests) + 1)
      }),
    )
  })

  it('the next one is taken when it was said that it would be', () => {
    fc.assert(
      fc.property(limits, fc.nat(10_000), (limit, since) => {
        const bucket = used(limit, limit.requests)
        const now = Math.min(since, (limit.seconds * 1_000) / limit.requests - 1)
        const { bucket: refused, state } = chargeRate(limit, bucket, now)
        expect(refused).toBeUndefined()
        expect(chargeRate(limit, bucket, now + state.reset * 1_000).bucket).toBeDefined()
      }),
    )
  })
})
