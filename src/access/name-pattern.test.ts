import fc from 'fast-check'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, it } from 'vitest'
import { isNamePattern, matchesPattern } from './name-pattern.ts'

const database = new DatabaseSync(':memory:')
const glob = database.prepare('select ? glob ? as matches')
afterAll(() => database.close())

describe('a pattern of deployment names', () => {
  it.each([
    ['*', 'anything', true],
    ['support', 'support', true],
    ['support', 'Support', false],
    ['support-*', 'support-eu', true],
    ['support-*', 'support-', true],
    ['support-*', 'support', false],
    ['*-eu', 'support-eu', true],
    ['*-eu', 'support-eu-2', false],
    ['a*b*c', 'aXbYc', true],
    ['a*b*c', 'acb', false],
    ['a.c', 'abc', false],
    ['*a', 'banana', true],
    ['*ab*ab', 'abab', true],
    ['*ab*ab', 'ab', false],
  ])('%s on %s: %s', (pattern, name, expected) => {
    expect(matchesPattern(pattern, name)).toBe(expected)
  })

  const name = fc.string({ unit: fc.constantFrom('a', 'b', '-', '.'), maxLength: 12 })
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '-', '.', '*', '*'), minLength: 1, maxLength: 8 })

  it('is read in lists, which the database filters, as in look-ups', () => {
    fc.assert(
      fc.property(pattern, name, (wanted, given) => {
        expect(matchesPattern(wanted, given)).toBe(glob.get(given, wanted)!['matches'] === 1)
      }),
      { numRuns: 5_000 },
    )
  })

  it('that another one matches as a text matches nothing that the other one does not', () => {
    fc.assert(
      fc.property(pattern, pattern, name, (wide, narrow, given) => {
        if (matchesPattern(wide, narrow) && matchesPattern(narrow, given)) expect(matchesPattern(wide, given)).toBe(true)
      }),
      { numRuns: 5_000 },
    )
  })

  it('takes no longer for being made to', () => {
    const began = performance.now()
    expect(matchesPattern(`${'*a'.repeat(60)}b`, 'a'.repeat(128))).toBe(false)
    expect(performance.now() - began).toBeLessThan(50)
  })

  it.each([
    ['support-*', true],
    ['*', true],
    ['*.*.*.*.*.*.*.*', true],
    ['*.*.*.*.*.*.*.*.*', false],
    ['', false],
    ['-a', false],
    ['a?', false],
    ['[a]', false],
    ['a b', false],
    ['é', false],
    ['a'.repeat(128), true],
    ['a'.repeat(129), false],
  ])('may be %s: %s', (text, expected) => {
    expect(isNamePattern(text)).toBe(expected)
  })
})
