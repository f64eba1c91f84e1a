import { describe, expect, it } from 'vitest'
import { parseMapping } from './mapping.ts'
import { TemplateInvalid } from './template.ts'

const scope = { input: { name: 'Ada', count: 3, flag: false, none: null, list: [1, 2], object: { a: 1 } } }
const apply = (value: unknown): unknown => parseMapping(value).apply(scope)

describe('a mapping', () => {
  it('gives a lone expression with its type', () => {
    expect(
      apply({
        a: '{{ input.count }}',
        b: '{{ input.flag }}',
        c: '{{ input.none }}',
        d: '{{ input.list }}',
        e: '{{input.object}}',
        f: '{{ input.name }}',
      }),
    ).toEqual({
      a: 3,
      b: false,
      c: null,
      d: [1, 2],
      e: { a: 1 },
      f: 'Ada',
    })
    expect(apply('{{ input.count | plus: 0.5 }}')).toBe(3.5)
    expect(apply('{{ input.list | where: "x", 1 | first }}')).toBe(null)
    expect(apply(['{{ nil }}', '{{ empty }}', '{{ input.count > 2 }}', '{{ (1..3) }}', '{{ "{}" | parse_json }}'])).toEqual([
      null,
      '',
      true,
      [1, 2, 3],
      {},
    ])
  })

  it('gives a text wherever there is anything else', () => {
    expect(
      apply([' {{ input.count }}', '{{ input.count }}{{ input.count }}', 'n: {{ input.object }}', '{% if input.flag %}x{% endif %}']),
    ).toEqual([' 3', '33', 'n: {"a":1}', ''])
  })

  it('takes everything else as it is, names included', () => {
    const value = { '{{ input.name }}': [1, true, null, 'text', { deep: ['{{ input.name }}', {}] }] }
    expect(apply(value)).toEqual({ '{{ input.name }}': [1, true, null, 'text', { deep: ['Ada', {}] }] })
    expect(apply(JSON.parse('{"__proto__": "{{ input.name }}", "a": 1}'))).toEqual(JSON.parse('{"__proto__": "Ada", "a": 1}'))
  })

  it('copies neither what it does not change nor what it takes from the scope', () => {
    const value = { constant: { a: [1] }, list: '{{ input.list }}' }
    const result = apply(value) as typeof value
    expect(result.constant).toBe(value.constant)
    expect(result.list).toBe(scope.input.list)
    expect(parseMapping(value.constant)).toMatchObject({ isConstant: true })
    expect(apply(value.constant)).toBe(value.constant)
  })

  it('tells of its references and failures in which text they are', () => {
    const mapping = parseMapping({ a: [{ 'b/c': 'x {{ input.nope }}' }], d: '{{ secrets.KEY }}{{ secrets.KEY }}' })
    expect(mapping.references).toMatchObject([
      { pointer: '/a/0/b~1c', path: ['input', 'nope'], column: 6 },
      { pointer: '/d' },
      { pointer: '/d' },
    ])
    expect(mapping.secretNames).toEqual(['KEY'])
    expect(() => mapping.apply(scope)).toThrow(
      expect.objectContaining({
        code: 'template_failed',
        details: expect.objectContaining({ pointer: '/a/0/b~1c', line: 1, column: 6 }) as object,
        message: expect.stringMatching(/^The template failed at \/a\/0\/b~1c in line 1, column 6: input has no 'nope'/) as string,
      }) as Error,
    )
  })

  it('is refused with the problems of all its texts', () => {
    const parse = () => parseMapping({ a: '{{ x y }}', b: ['ok {{ x }}', '{% if %}'] })
    expect(parse).toThrow(TemplateInvalid)
    expect(parse).toThrow(
      expect.objectContaining({
        problems: [expect.objectContaining({ pointer: '/a' }), expect.objectContaining({ pointer: '/b/1' })],
      }) as Error,
    )
  })

  it('shares the limits among its texts', () => {
    const big = 'x'.repeat(400_000)
    expect(() => parseMapping(['a{{ b }}', 'a{{ b }}']).apply({ b: big })).not.toThrow()
    expect(() => parseMapping(['a{{ b }}', 'a{{ b }}', 'a{{ b }}']).apply({ b: big })).toThrow(
      expect.objectContaining({ code: 'template_limit' }) as Error,
    )
    expect(parseMapping(['{{ b }}', '{{ b }}', '{{ b }}']).apply({ b: big })).toEqual([big, big, big])
  })

  it('is refused when it is nested deeper than a body may be', () => {
    let deep: unknown = '{{ a }}'
    for (let level = 0; level < 65; level++) deep = [deep]
    expect(() => parseMapping(deep)).toThrow('nested at most 64 deep')
  })
})
