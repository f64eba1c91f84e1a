import { describe, expect, it } from 'vitest'
import { parseCondition } from './condition.ts'

const scope = {
  input: {
    total: 120,
    name: 'Ada',
    none: null,
    tags: ['a', 'b'],
    list: [],
    text: '12',
    blank: '  ',
    flag: true,
    object: { a: [1, { b: 2 }] },
    same: { a: [1, { b: 2 }] },
  },
}
const evaluate = (text: string): boolean => parseCondition(text).evaluate(scope)

describe('a condition', () => {
  it.each([
    ['input.total > 100', true],
    ['input.total >= 121', false],
    ['input.total <= 120 and input.total != 3', true],
    ['input.name == "Ada"', true],
    ['input.name < "Bob"', true],
    ['input.flag', true],
    ['not input.flag', false],
    ['input.tags contains "b"', true],
    ['input.name contains "d"', true],
    ['input contains "total"', true],
    ['input contains "constructor"', false],
    ['input.none == nil', true],
    ['input.none == blank', true],
    ['input.none > 5', false],
    ['input.none < 5', false],
    ['input.list == empty', true],
    ['input.blank == blank', true],
    ['input.blank == empty', false],
    ['input.text == 12', false],
    ['(input.text | plus: 0) > 3', true],
    ['(input.tags | size) == 2', true],
    ['input.tags.size == 2', true],
    ['(input.nope | default: 0) > 100', false],
    ['input.object == input.same', true],
    ['input.object != input.tags', true],
    ['input.flag and (input.total > 500 or input.name == "Ada")', true],
    ['  {{ input.total > 100 }} ', true],
    ['{{- input.total == 120 -}}', true],
    ['input.name == "}}"', false],
  ])('%s is %s', (text, result) => {
    expect(evaluate(text)).toBe(result)
  })

  it.each([
    ['input.name', 'a text'],
    ['input.total', 'a number'],
    ['input.none', 'null'],
    ['input.list', 'a list of 0'],
    ['"true"', 'a text'],
    ['nil', 'null'],
  ])('must give true or false: %s gives %s', (text, found) => {
    expect(() => evaluate(text)).toThrow(
      expect.objectContaining({ code: 'condition_not_boolean', status: 422, details: { condition: text, found } }) as Error,
    )
  })

  it('fails for a path that leads nowhere', () => {
    expect(() => evaluate('input.nope == 1')).toThrow(
      expect.objectContaining({ code: 'template_failed', members: expect.objectContaining({ path: 'input.nope' }) as object }) as Error,
    )
  })

  it.each(['input.text > 3', 'input.total > "3"', 'input.tags > 1', 'input.flag < 1', 'input.name contains input.tags'])(
    'fails for values that cannot be compared: %s',
    (text) => {
      expect(() => evaluate(text)).toThrow(expect.objectContaining({ code: 'template_failed' }) as Error)
    },
  )

  it.each([
    '',
    '  ',
    '{{ }}',
    'input.total =',
    'input.total = 1',
    'a b',
    'a ==',
    '{% if a %}',
    'a }} {{ b',
    'x'.repeat(100_001),
    '('.repeat(50_000),
  ])('is refused when it is parsed: %.20j', (text) => {
    expect(() => parseCondition(text)).toThrow(expect.objectContaining({ name: 'TemplateInvalid' }) as Error)
  })

  it('tells what it refers to, and where, with and without braces', () => {
    const [bare, braced] = ['  input.total > steps.a.output', '{{input.total > steps.a.output}}'].map(
      (text) => parseCondition(text).references,
    )
    expect(bare).toMatchObject([
      { path: ['input', 'total'], line: 1, column: 3 },
      { path: ['steps', 'a', 'output'], line: 1, column: 17 },
    ])
    expect(braced).toEqual(bare)
  })

  it('sees no secrets unless they are given', () => {
    const condition = parseCondition('secrets.A == "x"')
    expect(condition.secretNames).toEqual(['A'])
    expect(() => condition.evaluate({ secrets: { A: 'x' } })).toThrow('secrets are not available here')
    expect(condition.evaluate({}, { secrets: { A: 'x' } })).toBe(true)
  })
})
