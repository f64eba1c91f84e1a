import { expect, it } from 'vitest'
import { KeyRates } from './key-rates.ts'

const limit = { requests: 1, seconds: 10 }

it('counts each key for itself, and gives back what was not to be counted', () => {
  const rates = new KeyRates()
  const takes = (key: string, now: number) => rates.charge(key, limit, now).bucket !== undefined
  expect([takes('a', 0), takes('b', 0), takes('a', 0)]).toEqual([true, true, false])
  rates.refund('a')
  rates.refund('nobody')
  expect([takes('a', 0), takes('a', 0), takes('a', 10_000)]).toEqual([true, false, true])
})

it('remembers no more keys than it may, and of those the ones that came last', () => {
  const rates = new KeyRates()
  rates.charge('first', limit, 0)
  for (let key = 0; key < 10_000; key++) rates.charge(String(key), limit, 0)
  expect(rates.size).toBe(10_000)
  expect(rates.charge('9999', limit, 0).bucket).toBeUndefined()
  expect(rates.charge('first', limit, 0).bucket).toBeDefined()
})
