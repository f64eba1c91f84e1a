import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HIDDEN, ScrubbedStream, Scrubber } from './scrubber.ts'

const secret = 'sk-proj-0123456789abcdef'
const scrubber = Scrubber.of([secret, 'passw0rd/with+signs', 'passw0rd/with+signs and more'])

function inPieces(one: Scrubber, pieces: readonly string[]): string[] {
  const stream = new ScrubbedStream(one)
  return [...pieces.map((piece) => stream.push(piece)), stream.end()]
}

describe('a scrubber', () => {
  it.each([
    [`The key is ${secret}.`, `The key is ${HIDDEN}.`],
    [`${secret}${secret}`, HIDDEN + HIDDEN],
    [`{"a":"passw0rd\\/with+signs"}`, `{"a":"${HIDDEN}"}`],
    ['?p=passw0rd%2Fwith%2Bsigns&q=1', `?p=${HIDDEN}&q=1`],
    ['passw0rd/with+signs and more', HIDDEN],
    ['passw0rd/with+signs and less', `${HIDDEN} and less`],
    [`Basic ${Buffer.from(`me:${secret}`).toString('base64')}`, expect.stringMatching(/^Basic bWU6?\S{0,2}\[hidden\]\S{0,2}$/)],
    ['sk-proj-0123456789abcde', 'sk-proj-0123456789abcde'],
    ['', ''],
  ])('%s → %s', (text, clean) => {
    expect(scrubber.scrub(text)).toEqual(clean)
  })

  it('hides both of two values that overlap', () => {
    const both = Scrubber.of(['abcdefgh-12345', '12345-zyxwvuts', '5-zyxwvu'])
    expect(both.scrub('<abcdefgh-12345-zyxwvuts>')).toBe(`<${HIDDEN}>`)
    expect(inPieces(both, Array.from('<abcdefgh-12345-zyxwvuts>')).join('')).toBe(`<${HIDDEN}>`)
  })

  it('cuts a text after hiding, so that no part of a secret is left at its end', () => {
    const text = `${'x'.repeat(10)}${secret} and more`
    for (let length = 0; length < text.length; length++) {
      const cut = scrubber.excerpt(text, length)
      expect(cut.length).toBeLessThanOrEqual(length)
      expect(`xxxxxxxxxx${HIDDEN} and more`.startsWith(cut)).toBe(true)
    }
    expect(scrubber.excerpt('plain text', 5)).toBe('plain')
    expect(scrubber.excerpt(secret.slice(0, 20), 100)).toBe(secret.slice(0, 20))
  })

  it('hides in every text and key of a value, and leaves the value itself alone', () => {
    const value = { [`key ${secret}`]: [1, null, { text: `a ${secret}` }], other: 'plain' }
    const copy = structuredClone(value)
    expect(scrubber.scrubAll(value)).toEqual({ [`key ${HIDDEN}`]: [1, null, { text: `a ${HIDDEN}` }], other: 'plain' })
    expect(value).toEqual(copy)
  })

  it('hides numbers that a secret is, or that it becomes in JSON', () => {
    const numbers = Scrubber.of(['40071234', '6011000990139424777', '3.14159265', '00123456789', '00000012', '12e00000'])
    const text = '[40071234, 6011000990139424777, 3.14159265, 123456789, -40071234, 4.0071234e7, 4007123, 0.5, 12, true, null]'
    const shown = [HIDDEN, HIDDEN, HIDDEN, HIDDEN, HIDDEN, HIDDEN, 4007123, 0.5, 12, true, null]
    expect(numbers.scrubAll(JSON.parse(text))).toEqual(shown)
  })

  it('gives the same value back where there is nothing to hide', () => {
    const value = { list: [{ text: 'plain' }], number: 1 }
    expect(scrubber.scrubAll(value)).toBe(value)
  })

  it('does nothing without a value', () => {
    const empty = Scrubber.of(['', 'short', '  '])
    expect(empty.isEmpty).toBe(true)
    expect(empty.scrub(secret)).toBe(secret)
    expect(inPieces(empty, [secret])).toEqual([secret, ''])
  })

  it('finds each of a thousand', () => {
    const values = Array.from({ length: 1_000 }, () => randomBytes(9 + Math.floor(Math.random() * 40)).toString('base64'))
    const many = Scrubber.of(values)
    for (const value of values) {
      const found = many.scrub(`a ${value} b ${encodeURIComponent(value)} c ${Buffer.from(`user:${value}`).toString('base64url')}`)
      expect(found).toMatch(/^a \[hidden\] b \[hidden\] c \S{0,8}\[hidden\]\S{0,2}$/)
    }
  })

  it('finds a form among characters that share a byte with those of the form', () => {
    expect(Scrubber.of(['аbcdefgh']).scrub('аbcdefgh 0bcdefgh')).toBe(`${HIDDEN} 0bcdefgh`)
  })
})

describe('a scrubbed stream', () => {
  it('holds back only what may be the beginning of a secret', () => {
    expect(inPieces(scrubber, ['Hello s', 'k-proj-01', ' and s', 'k'])).toEqual(['Hello ', '', 'sk-proj-01 and ', '', 'sk'])
  })

  it('lets an ordinary piece through at once', () => {
    expect(inPieces(scrubber, ['One ', 'two ', 'three'])).toEqual(['One ', 'two ', 'three', ''])
  })

  it('hides a secret that comes character by character', () => {
    expect(inPieces(scrubber, Array.from(`a${secret}b`)).join('')).toBe(`a${HIDDEN}b`)
  })

  it('never lets go of half a character', () => {
    const smile = '😀-s3cr3t-😀'
    for (const piece of inPieces(Scrubber.of([smile]), ['a😀', '-s3c', 'r3t-😀', '😀'])) expect(piece.isWellFormed()).toBe(true)
  })
})

describe('whatever the text and the pieces', () => {
  // Few letters, so that beginnings, overlaps and repetitions are common.
  const letters = fc.constantFrom('a', 'b', 'ab', '/')
  const value = fc.array(letters, { minLength: 8, maxLength: 14 }).map((parts) => parts.join(''))
  const values = fc.array(value, { minLength: 1, maxLength: 4 })
  const textWith = (secrets: readonly string[]) =>
    fc.array(fc.oneof(letters, fc.constantFrom(...secrets), fc.constantFrom(...secrets.map((one) => one.slice(0, 7)))), { maxLength: 12 })

  it('what comes out of a stream is what comes out of the whole, and none of the values is in it', () => {
    fc.assert(
      fc.property(
        values.chain((secrets) => fc.tuple(fc.constant(secrets), textWith(secrets))),
        ([secrets, pieces]) => {
          const one = Scrubber.of(secrets)
          const whole = one.scrub(pieces.join(''))
          expect(inPieces(one, pieces).join('')).toBe(whole)
          expect(inPieces(one, Array.from(pieces.join(''))).join('')).toBe(whole)
          for (const secret_ of secrets) expect(whole.split(HIDDEN).some((part) => part.includes(secret_))).toBe(false)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('it hides exactly what a search for each form finds', () => {
    fc.assert(
      fc.property(
        values.chain((secrets) => fc.tuple(fc.constant(secrets), textWith(secrets))),
        ([secrets, pieces]) => {
          const text = pieces.join('')
          expect(Scrubber.of(secrets).scrub(text).split(HIDDEN)).toEqual(simply(secrets, text))
        },
      ),
      { numRuns: 2_000 },
    )
  })
})

/** The parts between what is hidden, found one value after the other. These texts have no forms besides themselves but with slashes. */
function simply(secrets: readonly string[], text: string): string[] {
  const forms = new Set(secrets.map((one) => one.trim()))
  const intervals: [number, number][] = []
  for (const form of forms) {
    for (let at = text.indexOf(form); at >= 0; at = text.indexOf(form, at + 1)) intervals.push([at, at + form.length])
  }
  intervals.sort(([a], [b]) => a - b)
  const parts: string[] = []
  let end = 0
  let open = 0
  for (const [from, to] of intervals) {
    if (from >= end) {
      parts.push(text.slice(open, from))
      end = to
    } else end = Math.max(end, to)
    open = end
  }
  return [...parts, text.slice(open)]
}
