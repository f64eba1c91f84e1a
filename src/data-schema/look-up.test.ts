import { describe, expect, it } from 'vitest'
import { compileDataSchema, type DataSchema } from './data-schema.ts'

function compile(schema: unknown): DataSchema {
  const compiled = compileDataSchema(schema)
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems))
  return compiled
}

const order = compile({
  type: 'object',
  additionalProperties: false,
  properties: {
    customer: { $ref: '#/$defs/customer' },
    lines: { type: 'array', items: { type: 'object', properties: { price: { type: 'number' } }, additionalProperties: false } },
    pair: { type: 'array', prefixItems: [{ type: 'string' }, { type: 'boolean' }], items: false },
    labels: { type: 'object', additionalProperties: { type: 'string' } },
    dated: { type: 'object', patternProperties: { '^on_': { type: 'string' } }, additionalProperties: false },
    open: { type: 'object', properties: { a: { type: 'string' } } },
    choice: { anyOf: [{ type: 'object', properties: { a: { type: 'string' } }, additionalProperties: false }, { type: 'number' }] },
    state: { enum: ['open', 'paid', null] },
    count: { type: 'integer' },
    sealed: { type: 'object', properties: { a: true }, unevaluatedProperties: false },
    whatever: true,
  },
  $defs: {
    customer: {
      type: 'object',
      additionalProperties: false,
      properties: { name: { type: 'string' }, parent: { $ref: '#/$defs/customer' } },
    },
  },
})

describe('a path into the values of a schema', () => {
  it.each<[string, 'known' | 'unknown' | 'maybe']>([
    ['customer', 'known'],
    ['customer.name', 'known'],
    ['customer.parent.parent.name', 'known'],
    ['customer.nam', 'unknown'],
    ['customer.name.first', 'unknown'],
    ['custmer', 'unknown'],
    ['lines.0.price', 'known'],
    ['lines.first.price', 'known'],
    ['lines.last.prize', 'unknown'],
    ['lines.price', 'unknown'],
    ['lines.size', 'known'],
    ['pair.1', 'known'],
    ['pair.2', 'unknown'],
    ['labels.x', 'maybe'],
    ['labels.x.y', 'unknown'],
    ['dated.on_monday', 'known'],
    ['dated.monday', 'unknown'],
    ['open.a', 'known'],
    ['open.b', 'maybe'],
    ['open.a.size', 'known'],
    ['choice.a', 'maybe'],
    ['choice.b', 'unknown'],
    ['sealed.a', 'known'],
    ['sealed.b', 'unknown'],
    ['whatever.a.b.c', 'maybe'],
    ['size', 'known'],
  ])('%s is %s', (path, status) => {
    expect(order.knows(path.split('.'))).toBe(status)
  })

  it.each([
    ['customer.name', ['string']],
    ['lines', ['array']],
    ['lines.first.price', ['number']],
    ['count', ['integer']],
    ['state', ['null', 'string']],
    ['choice', ['number', 'object']],
    ['choice.a', ['string']],
    ['lines.size', ['number']],
    ['custmer', []],
  ])('%s can be %j', (path, types) => {
    expect([...order.typesAt(path.split('.'))].toSorted()).toEqual(types)
  })

  it('can be of every type where nothing is said', () => {
    expect([...order.typesAt(['whatever', 'x'])].toSorted()).toEqual(['array', 'boolean', 'null', 'number', 'object', 'string'])
  })

  it('is found in time in forms that double 40 times', () => {
    const $defs = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => {
        const next = { $ref: `#/$defs/d${index + 1}` }
        return [`d${index}`, index === 39 ? { type: 'object' } : { allOf: [next, next] }]
      }),
    )
    expect(compile({ $ref: '#/$defs/d0', $defs }).knows(['a'])).toBe('maybe')
  })
})
