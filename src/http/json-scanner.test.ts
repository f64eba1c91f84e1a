import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readJson } from './json-scanner.ts'
import { cpuTime } from '../../test/support/cpu-time.ts'

const read = (text: string | Buffer) => readJson(Buffer.from(text as string))

describe('what JSON.parse reads is read the same', () => {
  test('any value, however it is indented', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), fc.constantFrom(0, 2, '\t'), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        expect(read(text)).toEqual(JSON.parse(text))
      }),
    )
  })

  test('any text is refused exactly if JSON.parse refuses it, apart from what we refuse on top', () => {
    const piece = fc.constantFrom('{', '}', '[', ']', ',', ':', '"a"', '"b"', '1', '-0.5e+3', 'true', 'null', ' ', '\n', '"\\n"', '.', 'e')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('')
        const ours = outcome(() => read(text))
        const theirs = outcome(() => JSON.parse(text))
        if (typeof ours === 'string' && /comes twice|too large/.test(ours)) return
        expect(typeof ours).toBe(typeof theirs)
      }),
      { numRuns: 2_000, examples: [[['-0.5e+3', '1', '1']]] },
    )
  })

  test.each([
    '{"a":{"a":1},"b":[{"a":1},{"a":2}]}',
    '9007199254740992',
    '-69055654017325290',
    String(2n ** 70n),
    '1e308',
    '-1.5E-300',
    '"\\ud83d\\ude00"',
    '\ufeff{}',
    ' [ ] ',
  ])('%s', (text) => expect(read(text)).toEqual(JSON.parse(text.replace('\ufeff', ''))))

  test('64 levels, with __proto__ as an own key', () => {
    expect(read('['.repeat(64) + ']'.repeat(64))).toBeInstanceOf(Array)
    const value = read('{"__proto__":{"admin":true},"constructor":1}') as Record<string, unknown>
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor'])
    expect(value['admin']).toBeUndefined()
  })
})

test.each([
  ['{"a":1,"a":2}', 'the key "a" comes twice in one object (line 1, column 8)'],
  ['{"a":1,\n "\\u0061":2}', 'the key "\\u0061" comes twice in one object (line 2, column 2)'],
  ['{"é":1,"\\u00e9":2}', 'comes twice'],
  ['{"__proto__":1,"__proto__":2}', 'comes twice'],
  ['{"a":"\\ud800"}', 'half of a surrogate pair stands alone (line 1, column 7)'],
  ['"\\ude00\\ud83d"', 'half of a surrogate pair'],
  ['"\\ud83dx"', 'half of a surrogate pair'],
  ['"\\u0000"', 'U+0000'],
  ['"\\u12g4"', 'an escape is not one of JSON'],
  ['"\\x"', 'an escape is not one of JSON'],
  ['"\n"', 'a control character within a text is not escaped'],
  ['"a', 'a text is not closed'],
  ['9007199254740993', 'the integer 9007199254740993 is too large to be kept as it is'],
  ['[12345678901234567890]', '(line 1, column 2)'],
  ['1e999', 'a number is too large'],
  ['9'.repeat(400), 'a number is too large'],
  ['01', 'something follows the end of the document'],
  ['1.', 'a digit is missing'],
  ['+1', 'a value is missing'],
  ['NaN', 'a value is missing'],
  ['nul', 'a value is missing'],
  ['[1,]', 'a value is missing (line 1, column 4)'],
  ['[1 2]', "',' or ']' is missing (line 1, column 4)"],
  ['{"a" 1}', '\':\' is missing after the key "a"'],
  ['{a:1}', 'a key in double quotes is missing'],
  ['{"a":1,}', 'a key in double quotes is missing'],
  ['{"a":1]', "',' or '}' is missing"],
  ['{} {}', 'something follows the end of the document (line 1, column 4)'],
  ['[', 'it ends too early'],
  [' ', 'it ends too early'],
  ['['.repeat(65), 'it is nested deeper than 64 levels (line 1, column 65)'],
  ['{"é":\ntru}', '(line 2, column 1)'],
])('%s is refused: %s', (text, reason) => {
  expect(() => read(text)).toThrow(reason)
})

test.each([
  [[0x22, 0xff, 0x22], 1],
  [[0x22, 0xef, 0xbf, 0xbd, 0xc3, 0x22], 4],
  [[0x22, 0xed, 0xa0, 0x80, 0x22], 1],
])('bytes that are not UTF-8 are refused with the place of the first: %j', (bytes, at) => {
  expect(() => readJson(Buffer.from(bytes))).toThrow(`it is not UTF-8 (at byte ${at})`)
})

test('time is linear: ten megabytes of brackets, of digits and of wrong bytes are refused at once', () => {
  for (const text of ['['.repeat(1e7), '9'.repeat(1e7), '{"a":'.repeat(2e6), '\ufffd'.repeat(3e6)]) {
    const start = cpuTime()
    expect(() => readJson(Buffer.concat([Buffer.from(text), Buffer.from([0xff])].slice(0, text[0] === '\ufffd' ? 2 : 1)))).toThrow()
    expect(cpuTime() - start).toBeLessThan(1_000)
  }
})

function outcome(run: () => unknown): unknown {
  try {
    return { value: run() }
  } catch (error) {
    return (error as Error).message
  }
}
