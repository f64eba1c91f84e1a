import { describe, expect, it } from 'vitest'
import { threadMilliseconds } from '../interrupt.ts'
import { compileDataSchema, type DataSchema } from './data-schema.ts'

function compile(schema: unknown): DataSchema {
  const compiled = compileDataSchema(schema)
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems))
  return compiled
}

function problemsOf(schema: unknown) {
  const compiled = compileDataSchema(schema)
  return 'problems' in compiled ? compiled.problems : []
}

const order = compile({
  type: 'object',
  required: ['id', 'total'],
  additionalProperties: false,
  properties: {
    id: { type: 'string', minLength: 3, maxLength: 5 },
    total: { type: 'integer', minimum: 1, exclusiveMaximum: 100, multipleOf: 2 },
    state: { enum: ['open', 'paid', { other: 1 }] },
    kind: { const: 'order' },
    mail: { type: 'string', format: 'email' },
    tag: { type: 'string', pattern: '^[a-z]+(-[a-z]+)*$' },
    lines: { type: 'array', items: { type: ['number', 'null'] }, minItems: 1, maxItems: 3, uniqueItems: true },
    note: { anyOf: [{ type: 'string' }, { type: 'object', required: ['text'], properties: { text: { type: 'string' } } }] },
  },
})
const fitting = { id: 'abc', total: 4 }

describe('a schema of data', () => {
  it('finds nothing wrong with what fits', () => {
    expect(
      order.check({ ...fitting, state: { other: 1 }, kind: 'order', mail: 'a@example.org', tag: 'a-b', lines: [1, null], note: 'x' }),
    ).toEqual([])
  })

  it('names the place and what should be there, for each thing that is wrong', () => {
    expect(order.check({ id: 'ab', state: 'lost', 'un/known': 1, lines: [1, 'two'] })).toEqual([
      { pointer: '/total', code: 'required', message: "'total' is missing." },
      { pointer: '/id', code: 'too_short', message: "'id' must have at least 3 characters; it has 2." },
      { pointer: '/state', code: 'not_allowed', message: `'state' must be 'open', 'paid' or {"other":1}; it is 'lost'.` },
      expect.objectContaining({ pointer: '/un~1known', code: 'unknown_field' }),
      { pointer: '/lines/1', code: 'wrong_type', message: "'lines[1]' must be a number or null; it is 'two'." },
    ])
  })

  it.each([
    ['id', 'abcdef', 'too_long'],
    ['total', 0, 'out_of_range'],
    ['total', 100, 'out_of_range'],
    ['total', 3, 'out_of_range'],
    ['total', 2.5, 'wrong_type'],
    ['kind', 'other', 'not_allowed'],
    ['mail', 'nobody', 'wrong_format'],
    ['tag', 'A', 'wrong_format'],
    ['lines', [], 'too_short'],
    ['lines', [1, 2, 3, 4], 'too_long'],
  ])('refuses %s: %j', (name, value, code) => {
    expect(order.check({ ...fitting, [name]: value })).toContainEqual(expect.objectContaining({ pointer: `/${name}`, code }))
  })

  it('says which item is there twice, whatever the order of its members', () => {
    expect(compile({ uniqueItems: true }).check([{ a: 1, b: 2 }, 3, { b: 2, a: 1 }])).toEqual([
      { pointer: '/2', code: 'repeated', message: "'[2]' is there twice." },
    ])
  })

  it('explains a value that fits none of several forms by the one that was meant', () => {
    expect(order.check({ ...fitting, note: { text: 1 } })).toEqual([
      { pointer: '/note/text', code: 'wrong_type', message: "'note.text' must be a text; it is 1." },
    ])
    expect(order.check({ ...fitting, note: 5 })).toEqual([
      { pointer: '/note', code: 'wrong_type', message: "'note' fits none of the 2 forms that it may have." },
    ])
  })

  it('lists 20 problems at most, of however many', () => {
    expect(compile({ items: { type: 'string' } }).check(Array.from({ length: 100_000 }, () => 1))).toHaveLength(20)
  })

  it('counts characters as people do', () => {
    expect(compile({ maxLength: 2 }).check('😀😀')).toEqual([])
    expect(compile({ minLength: 2 }).check('😀')).toHaveLength(1)
  })

  it('takes a multiple as it is written, not as doubles have it', () => {
    expect(compile({ multipleOf: 0.1 }).check(0.3)).toEqual([])
    expect(compile({ multipleOf: 0.01 }).check(0.305)).toHaveLength(1)
    expect(compile({ multipleOf: 1 }).check(1e300)).toEqual([])
  })

  it('accepts what schemas of older drafts say in another way', () => {
    const old = compile({ items: [{ type: 'string' }], additionalItems: false, dependencies: { a: ['b'], c: { required: ['d'] } } })
    expect(old.check(['x'])).toEqual([])
    expect(old.check(['x', 'y'])).toHaveLength(1)
    expect(old.check({ a: 1, c: 1 })).toMatchObject([{ pointer: '/b' }, { pointer: '/d' }])
  })

  it('takes patterns that are only correct without the Unicode flag', () => {
    expect(compile({ pattern: String.raw`^[\w-\.]+$` }).check('a-b.c')).toEqual([])
  })
})

describe('references within a schema', () => {
  const tree = {
    $id: 'https://example.org/tree',
    $ref: '#/$defs/node',
    $defs: {
      node: {
        type: 'object',
        properties: { left: { $ref: '#/$defs/node' }, right: { $ref: 'https://example.org/tree#/$defs/node' }, value: { $ref: '#number' } },
      },
      number: { $anchor: 'number', type: 'number' },
    },
  }

  it('are followed as deep as the value goes', () => {
    expect(compile(tree).check({ left: { right: { value: 1 } } })).toEqual([])
    expect(compile(tree).check({ left: { right: { value: 'x' } } })).toMatchObject([{ pointer: '/left/right/value', code: 'wrong_type' }])
  })

  it('lead to nothing outside of it', () => {
    for (const reference of ['https://example.org/other.json', 'other.json', '/etc/passwd', 'file:///etc/passwd'])
      expect(problemsOf({ properties: { a: { $ref: reference } } })).toMatchObject([
        { pointer: '/properties/a/$ref', code: 'schema_invalid' },
      ])
  })

  it('that lead nowhere are a problem', () => {
    expect(problemsOf({ $ref: '#/$defs/none' })).toMatchObject([
      { pointer: '/$ref', message: "'#/$defs/none' leads nowhere in this schema." },
    ])
  })

  it.each([
    ['itself', { $ref: '#' }],
    ['its own opposite', { not: { $ref: '#' } }],
    ['each other', { $ref: '#/$defs/a', $defs: { a: { anyOf: [{ $ref: '#/$defs/b' }] }, b: { if: { $ref: '#/$defs/a' } } } }],
  ])('that lead back to %s without going into the value are a problem', (_what, schema) => {
    expect(problemsOf(schema)).toMatchObject([{ code: 'schema_invalid', message: expect.stringContaining('never ends') as string }])
  })

  it('may be a long chain', () => {
    const names = Array.from({ length: 300 }, (_, index) => `c${index}`)
    const $defs = Object.fromEntries(
      names.map((name, index) => [name, index === 299 ? { type: 'string' } : { $ref: `#/$defs/c${index + 1}` }]),
    )
    expect(compile({ $ref: '#/$defs/c0', $defs }).check(1)).toHaveLength(1)
  })
})

describe('what other keywords left unevaluated', () => {
  const closed = compile(
    JSON.parse(`{
      "properties": {"a": true},
      "allOf": [{"properties": {"b": true}}],
      "if": {"properties": {"kind": {"const": "c"}}, "required": ["kind"]},
      "then": {"properties": {"c": true}},
      "unevaluatedProperties": false
    }`),
  )

  it('is found over all schemas of the value', () => {
    expect(closed.check({ a: 1, b: 2, kind: 'c', c: 3 })).toEqual([])
    expect(closed.check({ a: 1, d: 4 })).toEqual([{ pointer: '/d', code: 'unknown_field', message: "'d' is not known here." }])
  })

  it('includes what only a form that does not fit looks at', () => {
    expect(closed.check({ a: 1, kind: 'x' })).toMatchObject([{ pointer: '/kind' }])
    const either = compile({ anyOf: [{ properties: { a: { type: 'string' } } }, { required: ['b'] }], unevaluatedProperties: false })
    expect(either.check({ a: 1, b: 2 })).toMatchObject([{ pointer: '/a' }, { pointer: '/b' }])
  })

  it('does not include what a negated schema looks at', () => {
    expect(compile({ not: { not: { properties: { a: true } } }, unevaluatedProperties: false }).check({ a: 1 })).toHaveLength(1)
  })

  it('is looked for in lists as well, and only in what it speaks of', () => {
    const list = compile({ prefixItems: [true], contains: { type: 'string' }, unevaluatedItems: { type: 'number' } })
    expect(list.check([null, 'x', 1])).toEqual([])
    expect(list.check([null, 'x', null])).toMatchObject([{ pointer: '/2' }])
    expect(compile({ unevaluatedProperties: false }).check([{ a: 1 }])).toEqual([])
  })
})

describe('a hostile schema or value', () => {
  it('knows own members only', () => {
    expect(compile({ required: ['toString', 'constructor'] }).check({})).toHaveLength(2)
    expect(compile({ properties: { toString: { type: 'string' }, hasOwnProperty: { type: 'string' } } }).check({})).toEqual([])
    const proto: unknown = JSON.parse('{"properties": {"__proto__": {"type": "string"}}, "required": ["__proto__"]}')
    expect(compile(proto).check({})).toMatchObject([{ pointer: '/__proto__', code: 'required' }])
    expect(compile(proto).check(JSON.parse('{"__proto__": 1}'))).toMatchObject([{ pointer: '/__proto__', code: 'wrong_type' }])
  })

  it('has names that are nothing but names', () => {
    const names = [
      '"); globalThis.hacked = 1; ("',
      '${globalThis.hacked = 1}',
      '\u2028globalThis.hacked = 1',
      '*/ globalThis.hacked = 1 /*',
      "'",
      '\\',
      '`',
    ]
    for (const name of names) {
      const schema = compile({
        properties: { [name]: { type: 'string', enum: [name], const: name } },
        required: [name],
        dependentRequired: { [name]: [name] },
      })
      expect(schema.check({ [name]: name })).toEqual([])
      expect(schema.check({})).toMatchObject([{ code: 'required' }])
    }
    expect('hacked' in globalThis).toBe(false)
  })

  const doubling = (combine: string) => ({
    $ref: '#/$defs/d0',
    $defs: Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => {
        const next = { $ref: `#/$defs/d${index + 1}` }
        return [`d${index}`, index === 39 ? { type: 'string' } : { [combine]: [next, next] }]
      }),
    ),
  })
  let deep: unknown = 1
  for (let level = 0; level < 60; level++) deep = [deep]
  let bottomless: unknown = 1
  for (let level = 0; level < 50_000; level++) bottomless = [bottomless]
  const evil = `${'a'.repeat(50)}!`
  const many = Array.from({ length: 1_000_000 }, (_, index) => ({ index }))

  it.each<[string, unknown, unknown]>([
    ['a pattern that takes exponential time', { pattern: '^(a+)+$' }, evil],
    ['one that takes polynomial time', { pattern: 'a*a*a*a*a*b' }, 'a'.repeat(10_000)],
    ['one with a look-ahead', { pattern: '^(?=a)(a|aa)+$' }, evil],
    ['such a pattern for many texts', { items: { pattern: '^(a+)+$' } }, Array.from({ length: 1000 }, () => evil)],
    ['such a pattern for names', { patternProperties: { '^(a+)+$': true } }, { [evil]: 1 }],
    ['forms that double 40 times', doubling('allOf'), 'x'],
    ['choices that double 40 times', doubling('anyOf'), 1],
    [
      'forms that double with each level of the value',
      {
        anyOf: [
          { items: { $ref: '#' }, maxItems: 0 },
          { items: { $ref: '#' }, minItems: 5 },
        ],
      },
      deep,
    ],
    ['a value without a bottom', { items: { $ref: '#' } }, bottomless],
    ['a bottomless value that must be unique', { uniqueItems: true }, [bottomless, bottomless]],
    ['a million objects that must be unique', { uniqueItems: true }, many],
  ])('is given up in time: %s', (_what, schema, value) => {
    const compiled = compile(schema)
    const before = threadMilliseconds()
    expect(compiled.check(value).at(-1)).toMatchObject({ pointer: '', code: 'schema_too_costly' })
    expect(threadMilliseconds() - before).toBeLessThan(300)
  })

  it('does not hold up what compiles it', () => {
    const before = threadMilliseconds()
    const wide = Object.fromEntries(Array.from({ length: 30_000 }, (_, index) => [`p${index}`, { type: 'string' }]))
    expect(problemsOf({ properties: wide })).not.toEqual([])
    const patterns = Object.fromEntries(Array.from({ length: 3_000 }, (_, index) => [`p${index}`, { pattern: `(a{1,9}){1,9}${index}` }]))
    expect(problemsOf({ properties: patterns })).not.toEqual([])
    let nested: unknown = true
    for (let level = 0; level < 50_000; level++) nested = { not: nested }
    expect(problemsOf(nested)).not.toEqual([])
    expect(problemsOf({ const: bottomless })).toEqual([])
    expect(threadMilliseconds() - before).toBeLessThan(2_000)
  })

  it.each<[unknown, string]>([
    ['text', ''],
    [null, ''],
    [{ type: 'strin' }, '/type'],
    [{ type: [] }, '/type'],
    [{ properties: [] }, '/properties'],
    [{ properties: { a: 1 } }, '/properties/a'],
    [{ required: 'a' }, '/required'],
    [{ minLength: -1 }, '/minLength'],
    [{ exclusiveMinimum: true }, '/exclusiveMinimum'],
    [{ multipleOf: 0 }, '/multipleOf'],
    [{ allOf: [] }, '/allOf'],
    [{ enum: 'a' }, '/enum'],
    [{ pattern: '(' }, '/pattern'],
    [{ pattern: 'a'.repeat(3_000) }, '/pattern'],
    [{ patternProperties: { '(': true } }, '/patternProperties'],
    [{ $dynamicRef: '#a' }, '/$dynamicRef'],
    [{ $defs: { a: true }, properties: { a: { $id: 'https://example.org/a' } } }, '/properties/a/$id'],
  ])('is refused where it is wrong: %j', (schema, pointer) => {
    expect(problemsOf(schema)).toMatchObject([{ pointer, code: 'schema_invalid' }])
  })
})
