import { describe, expect, it } from 'vitest'
import { FailedKeys } from './failed-keys.ts'

/** Notes so many failures at once. @returns the seconds to wait, of those that were refused */
function fail(failed: FailedKeys, address: string, times: number, now: number): number[] {
  return Array.from({ length: times }, () => failed.note(address, now)).filter((seconds) => seconds !== undefined)
}

describe('wrong keys from one address', () => {
  it('are too many from the eleventh on, and then one every six seconds is not', () => {
    const failed = new FailedKeys()
    expect(fail(failed, '192.0.2.1', 12, 0)).toEqual([6, 6])
    expect(fail(failed, '192.0.2.1', 1, 4_000)).toEqual([2])
    expect(fail(failed, '192.0.2.1', 1, 6_000)).toEqual([])
    expect(fail(failed, '192.0.2.1', 1, 6_001)).toEqual([6])
    expect(fail(failed, '192.0.2.1', 11, 600_000)).toEqual([6])
  })

  it.each([
    ['192.0.2.1', '::ffff:192.0.2.1', true],
    ['192.0.2.1', '192.0.2.2', false],
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', true],
    ['2001:db8:1:2::1', '2001:DB8:1:2:0:0:0:3', true],
    ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
    ['::1', '::2', true],
    ['::1', '2001::1', false],
    ['fe80::1%eth0', 'fe80::2', true],
  ])('%s and %s count together: %s', (one, other, together) => {
    const failed = new FailedKeys()
    fail(failed, one, 10, 0)
    expect(failed.note(other, 0) !== undefined).toBe(together)
  })

  it('from ever more addresses take no more memory', () => {
    const failed = new FailedKeys()
    for (let index = 0; index < 15_000; index++) failed.note(`10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`, 0)
    expect(failed.size).toBe(10_000)
  })
})
