import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nearest } from './suggest.ts'

const words = ['stop', 'status', 'reactivate', 'deployment list', 'release']

describe('what was probably meant', () => {
  it.each([
    ['stpo', 'stop'],
    ['stop', 'stop'],
    ['sto', 'stop'],
    ['reactivte', 'reactivate'],
    ['deploymnet list', 'deployment list'],
    ['Release', 'release'],
  ])('by %j is %j', (word, meant) => expect(nearest(word, words)).toBe(meant))

  it.each(['x', 'serve', '', 'promotion'])('by %j is nothing of it', (word) => expect(nearest(word, words)).toBeUndefined())

  it('is one of what there is, for any word', () => {
    fc.assert(fc.property(fc.string(), (word) => [undefined, ...words].includes(nearest(word, words))))
  })
})
