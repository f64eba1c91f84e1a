import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { differenceOf, fromJson } from './difference.ts'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
/** As it is stored. */
const stored = (before: Parameters<typeof differenceOf>[0], after: Parameters<typeof differenceOf>[1]): unknown =>
  JSON.parse(JSON.stringify(differenceOf(before, after)))

describe('what an entry says of a change', () => {
  it('is the fields that differ, as they were and as they are', () => {
    expect(stored({ status: 'active', release: 3, by: null }, { status: 'inactive', release: 3, by: null })).toEqual({
      before: { status: 'active' },
      after: { status: 'inactive' },
    })
  })

  it('is the places within a field, and leaves a side out where there is nothing', () => {
    const before = { configuration: { agents: [{ id: 'a', config: { model: 'x', 'odd/na~me': 1 } }], metadata: { gone: true } } }
    const after = { configuration: { agents: [{ id: 'a', config: { model: 'y', 'odd/na~me': 2 } }], metadata: {} } }
    expect(stored(before, after)).toEqual({
      before: {
        '/configuration/agents/0/config/model': 'x',
        '/configuration/agents/0/config/odd~1na~0me': 1,
        '/configuration/metadata/gone': true,
      },
      after: { '/configuration/agents/0/config/model': 'y', '/configuration/agents/0/config/odd~1na~0me': 2 },
    })
  })

  it('is an item that was put into a list, or taken from it, and not all that moved along', () => {
    const items = ['a', 'b', 'c', 'd'].map((id) => ({ id }))
    expect(stored({ list: items }, { list: [items[0], { id: 'new' }, ...items.slice(1)] })).toEqual({
      before: {},
      after: { '/list/1': { id: 'new' } },
    })
    expect(stored({ list: items }, { list: items.slice(1) })).toEqual({ before: { '/list/0': { id: 'a' } }, after: {} })
    expect(stored({ list: ['a', 'a'] }, { list: ['a'] })).toEqual({ before: { '/list/0': 'a' }, after: {} })
  })

  it('is the whole field where it differs in many places', () => {
    const of = (value: number) => ({ config: Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`k${index}`, value])), kept: 1 })
    const { before, after } = stored(of(1), of(2)) as { before: object; after: object }
    expect(before).toEqual({ config: of(1).config })
    expect(after).toEqual({ config: of(2).config })
  })

  it('is everything of an object that is new or gone', () => {
    expect(stored(null, { name: 'a', tags: ['b'] })).toEqual({ before: null, after: { name: 'a', tags: ['b'] } })
    expect(stored({ name: 'a' }, null)).toEqual({ before: { name: 'a' }, after: null })
  })

  it('has the length, the digest and the beginning of what is too long', () => {
    const prompt = `${'é'.repeat(5_000)}\u{1F600}`
    expect(stored({ prompt }, { prompt: 'short' })).toEqual({
      before: { prompt: { cut: { bytes: 10_004, sha256: sha256(prompt), start: 'é'.repeat(200) } } },
      after: { prompt: 'short' },
    })
    const tools = Array.from({ length: 2_000 }, (_, index) => `tool ${index}`)
    const json = JSON.stringify(tools)
    expect(stored(null, { tools })).toEqual({
      before: null,
      after: { tools: { cut: { bytes: json.length, sha256: sha256(json), start: json.slice(0, 200) } } },
    })
  })

  it('cuts no character in two', () => {
    const { after } = stored(null, { text: `${'x'.repeat(199)}${'\u{1F600}'.repeat(3_000)}` }) as {
      after: { text: { cut: { start: string } } }
    }
    expect(after.text.cut.start).toBe(`${'x'.repeat(199)}�`)
  })

  it('does not read stored JSON that is huge, and still tells whether it differs', () => {
    const huge = (word: string): string => JSON.stringify({ text: word.repeat(40_000) })
    expect(stored({ a: fromJson(huge('abc')), b: 1 }, { a: fromJson(huge('abc')), b: 2 })).toEqual({ before: { b: 1 }, after: { b: 2 } })
    expect(stored({ a: fromJson(huge('abc')) }, { a: fromJson(huge('abd')) })).toEqual({
      before: { a: { cut: { bytes: 120_011, sha256: sha256(huge('abc')), start: huge('abc').slice(0, 200) } } },
      after: { a: { cut: { bytes: 120_011, sha256: sha256(huge('abd')), start: huge('abd').slice(0, 200) } } },
    })
  })

  it('takes nothing that people have written for something that was cut', () => {
    const odd = { cut: { bytes: 1, sha256: 'x', start: '' } }
    expect(stored({ a: odd }, { a: { ...odd, more: 1 } })).toEqual({ before: {}, after: { '/a/more': 1 } })
  })

  it('is complete and small, whatever the objects are', () => {
    const json = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<unknown>)
    fc.assert(
      fc.property(json, json, (before, after) => {
        const difference = stored(before, after) as { before: object; after: object }
        const isSame = JSON.stringify(sorted(before)) === JSON.stringify(sorted(after))
        expect(Object.keys(difference.before).length + Object.keys(difference.after).length === 0).toBe(isSame)
      }),
    )
    const large = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`field ${index}`, 'x'.repeat(3_000)]))
    for (const state of [large, { ...large, ['y'.repeat(100_000)]: 1 }, { one: 'z'.repeat(1_000_000) }]) {
      expect(JSON.stringify(differenceOf(null, state)).length).toBeLessThan(20_000)
    }
  })
})

/** Keys have no order, and -0 is 0. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value === 'number') return value + 0
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value)
    .map(([key, one]) => [key, sorted(one)])
    .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))
}
