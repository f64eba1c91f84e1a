import { expect, it } from 'vitest'
import { readExpiry } from './expiry.ts'

const now = Date.parse('2030-01-01T00:00:00Z')

it.each([
  ['12h', '2030-01-01T12:00:00.000Z'],
  ['90d', '2030-04-01T00:00:00.000Z'],
  ['4w', '2030-01-29T00:00:00.000Z'],
  ['1y', '2031-01-01T00:00:00.000Z'],
  ['2030-02-03', '2030-02-03T00:00:00.000Z'],
  ['2030-02-03T04:05:06Z', '2030-02-03T04:05:06.000Z'],
  ['2030-02-03T04:05+02:00', '2030-02-03T02:05:00.000Z'],
])('%s is until %s', (text, expected) => {
  expect(new Date(readExpiry(text, now)!).toISOString()).toBe(expected)
})

it('a time beyond all dates is the last of them', () => {
  expect(new Date(readExpiry('999999y', now)!).toISOString()).toBe('+275760-09-13T00:00:00.000Z')
})

it.each(['', '90', 'd', '-1d', '1.5d', '90 d', '1m', 'tomorrow', '2030-13-01', '2030-02-03T04:05:06', '03/02/2030'])(
  '%j is no time',
  (text) => {
    expect(readExpiry(text, now)).toBeNull()
  },
)
