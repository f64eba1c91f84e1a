import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TextPieces } from './text-pieces.ts'

function collect(...pieces: string[]) {
  const passed: string[] = []
  const text = new TextPieces((piece) => void passed.push(piece))
  for (const piece of pieces) text.add(piece)
  return { passed, text: text.end() }
}

describe('text in pieces', () => {
  it('is passed on as it comes', () => {
    expect(collect('one ', 'two')).toEqual({ passed: ['one ', 'two'], text: 'one two' })
  })

  it('holds half of a pair back until the other half is there', () => {
    expect(collect('a\ud83d', '\ude00b').passed).toEqual(['a', '😀b'])
  })

  it('turns a half that stays alone into U+FFFD, at the end and in the middle', () => {
    expect(collect('a\ud83d').passed).toEqual(['a', '\ufffd'])
    expect(collect('\ude00a', '\ud83d', 'b').text).toBe('\ufffda\ufffdb')
  })

  it('passes no empty piece on', () => {
    expect(collect('', '\ud83d', '', '\ude00', '').passed).toEqual(['😀'])
  })

  it('gives the whole text and only whole characters, however it is cut', () => {
    const anyText = fc.string({ unit: fc.constantFrom('a', 'é', '😀', '\ud83d', '\ude00') })
    fc.assert(
      fc.property(fc.array(anyText), (pieces) => {
        const { passed, text } = collect(...pieces)
        expect(text).toBe(pieces.join('').toWellFormed())
        expect(passed.join('')).toBe(text)
        expect(passed.every((piece) => piece.isWellFormed())).toBe(true)
      }),
    )
  })
})
