import { describe, expect, it } from 'vitest'
import { countEnd, judge, NO_COUNTS, sampleOf, type Bounds, type Counts, type EndedExecution } from './guard.ts'

const fine: EndedExecution = { failed: false, duration_ms: 10, cost: 0.01 }
const failed: EndedExecution = { ...fine, failed: true }
const slow: EndedExecution = { ...fine, duration_ms: 1_001 }
const dear: EndedExecution = { ...fine, cost: 1 }

const times = (count: number, one: EndedExecution): EndedExecution[] => Array.from({ length: count }, () => one)
const after = (bounds: Bounds, ended: readonly EndedExecution[]): Counts =>
  ended.reduce((counts, one) => countEnd(counts, bounds, one), NO_COUNTS)
/** After how many executions a bound is first passed. */
const passedAt = (bounds: Bounds, ended: readonly EndedExecution[]): number | undefined => {
  const index = ended.findIndex((_, at) => judge(after(bounds, ended.slice(0, at + 1)), bounds))
  return index < 0 ? undefined : index + 1
}

describe('the error rate', () => {
  const bounds: Bounds = { max_error_rate: 0.1, min_samples: 20 }

  it('is passed by more failures than the bound allows, and not by as many', () => {
    expect(judge(after(bounds, [...times(18, fine), ...times(2, failed)]), bounds)).toBeUndefined()
    expect(judge(after(bounds, [...times(17, fine), ...times(3, failed)]), bounds)).toEqual({
      bound: 'max_error_rate',
      allowed: 0.1,
      counted: 3,
      samples: 20,
    })
  })

  it('is passed before the minimum sample only where the rest of it could not mend it', () => {
    expect(passedAt(bounds, times(20, failed))).toBe(3)
    expect(passedAt(bounds, [failed, fine, failed, ...times(17, fine)])).toBeUndefined()
    const one: Bounds = { max_error_rate: 0.5, min_samples: 4 }
    expect(passedAt(one, [failed, failed, fine, fine])).toBeUndefined()
    expect(passedAt(one, [failed, failed, failed])).toBe(3)
  })

  it('of 0 is passed by the first failure', () => {
    expect(passedAt({ max_error_rate: 0, min_samples: 50 }, [fine, fine, failed])).toBe(3)
  })

  it('counts as decimals do: 29 of 100 are not more than 29 %', () => {
    const exact: Bounds = { max_error_rate: 0.29, min_samples: 100 }
    expect(passedAt(exact, [...times(71, fine), ...times(29, failed)])).toBeUndefined()
    expect(passedAt(exact, [...times(70, fine), ...times(30, failed)])).toBe(100)
  })

  it('of 1 is never passed', () => {
    expect(passedAt({ max_error_rate: 1, min_samples: 1 }, times(30, failed))).toBeUndefined()
  })

  it('is that of the newest executions: a release that turns bad is noticed soon, however long it was good', () => {
    const turned = passedAt(bounds, [...times(1_000, fine), ...times(40, failed)])
    expect(turned).toBeGreaterThan(1_000)
    expect(turned).toBeLessThanOrEqual(1_000 + 5)
    expect(sampleOf(after(bounds, times(1_000, fine))).samples).toBeLessThanOrEqual(40)
  })
})

describe('the other bounds', () => {
  it('p95 is passed when more than five in a hundred are slower', () => {
    const bounds: Bounds = { max_p95_ms: 1_000, min_samples: 40 }
    expect(passedAt(bounds, [...times(38, fine), slow, slow])).toBeUndefined()
    expect(passedAt(bounds, [...times(37, fine), slow, slow, slow])).toBe(40)
    expect(judge(after(bounds, [slow, slow, slow]), bounds)).toMatchObject({ bound: 'max_p95_ms', counted: 3, samples: 3 })
  })

  it('the cost is the mean of all of them', () => {
    const bounds: Bounds = { max_cost: 0.1, min_samples: 20 }
    expect(passedAt(bounds, [dear, ...times(19, fine)])).toBeUndefined()
    expect(passedAt(bounds, [dear, dear, ...times(18, fine)])).toBe(3)
    expect(judge(after(bounds, [dear, dear, dear]), bounds)).toMatchObject({ bound: 'max_cost', counted: 3 })
  })
})
