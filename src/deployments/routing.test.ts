import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BUCKETS, bucketOf, liveRelease, routeOfBucket, type Traffic } from '../engine/traffic.ts'
import { allotBuckets, bucketsOf, readTraffic, storeTraffic, wholly, type GivenRoute } from './routing.ts'

/** Routes to some of the releases 1 to 6, in hundredths of a percent that add up to 10,000. */
const routes: fc.Arbitrary<GivenRoute[]> = fc
  .tuple(
    fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 5 }),
    fc.array(fc.integer({ min: 0, max: BUCKETS }), { minLength: 4, maxLength: 4 }),
  )
  .map(([releases, cuts]) => {
    const edges = [0, ...cuts.slice(0, releases.length - 1).toSorted((a, b) => a - b), BUCKETS]
    return releases.map((release, index) => ({ release, percent: (edges[index + 1]! - edges[index]!) / 100 }))
  })

/** The release that each bucket leads to. Each leads to one, and to one only. */
function releasesOf(traffic: Traffic): Uint8Array {
  const releases = new Uint8Array(BUCKETS)
  for (const { release, buckets } of traffic) {
    for (const [from, to] of buckets) {
      expect(releases.subarray(from, to).every((taken) => taken === 0)).toBe(true)
      releases.fill(release, from, to)
    }
  }
  expect(releases.includes(0)).toBe(false)
  return releases
}
const percentOf = (given: readonly GivenRoute[], release: number): number => given.find((one) => one.release === release)?.percent ?? 0

describe('the buckets of the routes', () => {
  it('each lead to one release, as many to each as its percentage says', () => {
    fc.assert(
      fc.property(fc.array(routes, { minLength: 1, maxLength: 4 }), (changes) => {
        let traffic = wholly(1)
        for (const change of changes) {
          traffic = allotBuckets(traffic, change)
          const counts = new Map(
            Map.groupBy(releasesOf(traffic), (release) => release)
              .entries()
              .map(([release, all]) => [release, all.length]),
          )
          for (const { release, percent } of change) expect(counts.get(release) ?? 0).toBe(bucketsOf(percent))
        }
      }),
      { numRuns: 20 },
    )
  })

  it('change hands as little as they can: only from releases that have less now, to those that have more', () => {
    fc.assert(
      fc.property(fc.array(routes, { minLength: 2, maxLength: 5 }), (changes) => {
        let given: GivenRoute[] = [{ release: 1, percent: 100 }]
        let traffic = wholly(1)
        for (const change of changes) {
          const next = allotBuckets(traffic, change)
          const before = releasesOf(traffic)
          const moved = releasesOf(next).filter((release, bucket) => release !== before[bucket]).length
          const gained = [1, 2, 3, 4, 5, 6].map((release) =>
            Math.max(0, bucketsOf(percentOf(change, release)) - bucketsOf(percentOf(given, release))),
          )
          expect(moved).toBe(gained.reduce((sum, one) => sum + one, 0))
          given = change
          traffic = next
        }
      }),
      { numRuns: 15 },
    )
  })

  it('are the same after they were stored', () => {
    fc.assert(
      fc.property(routes, (given) => {
        const traffic = allotBuckets(wholly(1), given)
        expect(readTraffic(storeTraffic(traffic), liveRelease(traffic))).toEqual(traffic)
      }),
    )
  })
})

describe('sessions', () => {
  it('fall on the releases in proportion, and stay there until the percentages move them', () => {
    const sessions = Array.from({ length: 20_000 }, (_, index) => `session ${index}`)
    const first = allotBuckets(wholly(1), [
      { release: 1, percent: 90 },
      { release: 2, percent: 10 },
    ])
    const second = allotBuckets(first, [
      { release: 1, percent: 75 },
      { release: 2, percent: 25 },
    ])
    const releases = (traffic: Traffic) => sessions.map((session) => routeOfBucket(traffic, bucketOf('deployment', session)).release)
    const before = releases(first)
    const after = releases(second)
    const part = (of: number[]) => of.filter((release) => release === 2).length / of.length
    // Five standard deviations, for sessions that are always the same.
    expect(part(before)).toBeGreaterThan(0.089)
    expect(part(before)).toBeLessThan(0.111)
    expect(part(after)).toBeGreaterThan(0.234)
    expect(part(after)).toBeLessThan(0.266)
    for (const [index, release] of before.entries()) if (release === 2) expect(after[index]).toBe(2)
  })

  it('do not fall alike in two deployments', () => {
    const sessions = Array.from({ length: 2_000 }, (_, index) => `session ${index}`)
    const alike = sessions.filter((session) => bucketOf('one', session) < 1_000 && bucketOf('another', session) < 1_000)
    expect(alike.length).toBeLessThan(50)
  })

  it('have the bucket that the documentation says', () => {
    // printf 'd\ns' | sha256sum: 37030add…
    expect(bucketOf('d', 's')).toBe(Number.parseInt('37030add', 16) % 10_000)
  })
})

describe('the live release', () => {
  it('is the one with the largest part, and of two the older', () => {
    expect(
      liveRelease([
        { release: 3, percent: 40 },
        { release: 1, percent: 20 },
        { release: 2, percent: 40 },
      ]),
    ).toBe(2)
  })
})
