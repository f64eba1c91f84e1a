import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { claimOf } from './claim-of.ts'

const of = (url: string, body: unknown = {}, query: unknown = {}) => claimOf({ caller: 'as_1', key: 'k', url, query, body }, 1)

describe('what makes two requests the same', () => {
  it.each([
    ['/api/workflows', '/api/workflows'],
    ['/api/workflows/', '/api/workflows'],
    ['/api/workflows?x=1', '/api/workflows'],
    ['/api/workflows/?x=/', '/api/workflows'],
    ['/a/b.c%2F/stop', '/a/b.c%2F/stop'],
    ['/', '/'],
  ])('%s is the path %s', (url, path) => {
    expect(of(url).path).toBe(path)
  })

  it('is the content of the body, however its keys are ordered', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(of('/a', shuffled(value)).fingerprint).toBe(of('/a', value).fingerprint)
      }),
    )
  })

  it('is every value in it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        fc.pre(JSON.stringify(sorted(one)) !== JSON.stringify(sorted(other)))
        expect(of('/a', one).fingerprint).not.toBe(of('/a', other).fingerprint)
      }),
    )
  })

  it('is the query as well, and neither stands for the other', () => {
    expect(of('/a', {}, { environment: 'b' }).fingerprint).not.toBe(of('/a').fingerprint)
    expect(of('/a', {}, { environment: 'b' }).fingerprint).not.toBe(of('/a', { environment: 'b' }).fingerprint)
  })
})

function shuffled(value: unknown): unknown {
  return reordered(value, (entries) => entries.toReversed())
}

function sorted(value: unknown): unknown {
  return reordered(value, (entries) => entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

type Entries = [string, unknown][]

function reordered(value: unknown, order: (entries: Entries) => Entries): unknown {
  if (Array.isArray(value)) return value.map((item) => reordered(item, order))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(order(Object.entries(value)).map(([key, member]) => [key, reordered(member, order)]))
}
