import fc from 'fast-check'
import { Check } from 'typebox/schema'
import { describe, expect, it } from 'vitest'
import { compileDataSchema } from './data-schema.ts'

// Left out are `unevaluatedProperties` and `unevaluatedItems`: TypeBox applies the first to lists, and counts what a failed or
// negated form looked at. data-schema.test.ts has what the standard says there.

const name = fc.constantFrom('a', 'b', 'c', 'ab', 'x-1')
const count = fc.integer({ min: 0, max: 3 })
const type = fc.constantFrom('null', 'boolean', 'number', 'integer', 'string', 'array', 'object')
const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom(null, true, false, 0, 1, 2, 3.5, -1, '', 'a', 'ab', 'abc', '😀'),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(name, tie('value'), { maxKeys: 4 }),
  ),
})).value

const keywordsWith = (schema: fc.Arbitrary<unknown>): Record<string, fc.Arbitrary<unknown>> => ({
  type: fc.oneof(type, fc.uniqueArray(type, { minLength: 1, maxLength: 3 })),
  const: value,
  enum: fc.array(value, { minLength: 1, maxLength: 4 }),
  minimum: count,
  maximum: count,
  exclusiveMinimum: count,
  exclusiveMaximum: count,
  multipleOf: fc.constantFrom(1, 2, 0.5),
  minLength: count,
  maxLength: count,
  pattern: fc.constantFrom('^a', 'b$', '^[ab]*$', '.'),
  required: fc.uniqueArray(name, { maxLength: 2 }),
  properties: fc.dictionary(name, schema, { maxKeys: 3 }),
  patternProperties: fc.dictionary(fc.constantFrom('^a', 'b', '^x-'), schema, { maxKeys: 2 }),
  additionalProperties: schema,
  propertyNames: fc.constantFrom({ pattern: '^a' }, { maxLength: 1 }, true),
  minProperties: count,
  maxProperties: count,
  dependentRequired: fc.dictionary(name, fc.uniqueArray(name, { maxLength: 2 }), { maxKeys: 2 }),
  dependentSchemas: fc.dictionary(name, schema, { maxKeys: 2 }),
  prefixItems: fc.array(schema, { minLength: 1, maxLength: 2 }),
  items: schema,
  contains: schema,
  minContains: count,
  maxContains: count,
  minItems: count,
  maxItems: count,
  uniqueItems: fc.boolean(),
  allOf: fc.array(schema, { minLength: 1, maxLength: 3 }),
  anyOf: fc.array(schema, { minLength: 1, maxLength: 3 }),
  oneOf: fc.array(schema, { minLength: 1, maxLength: 3 }),
  not: schema,
  ...Object.fromEntries(['if', 'then', 'else'].map((keyword) => [keyword, schema])),
  $ref: fc.constantFrom('#/$defs/one', '#/$defs/two'),
})
const keywordNames = Object.keys(keywordsWith(fc.boolean()))

const schema = fc.letrec((tie) => {
  const keywords = keywordsWith(tie('schema'))
  const object = fc
    .uniqueArray(fc.constantFrom(...keywordNames), { minLength: 1, maxLength: 4 })
    .chain((names) => fc.record(Object.fromEntries(names.map((keyword) => [keyword, keywords[keyword]!]))))
  return { schema: fc.oneof({ maxDepth: 3 }, { weight: 1, arbitrary: fc.boolean() }, { weight: 6, arbitrary: object }) }
}).schema as fc.Arbitrary<boolean | object>

const $defs = {
  one: { items: { $ref: '#/$defs/one' }, type: ['array', 'string'] },
  two: { maxProperties: 2, properties: { b: { $ref: '#/$defs/two' } } },
}

describe('the check of data', () => {
  it('agrees with TypeBox about what fits a schema', () => {
    fc.assert(
      fc.property(schema, fc.array(value, { minLength: 4, maxLength: 8 }), (generated, values) => {
        const root = typeof generated === 'boolean' ? generated : { ...generated, $defs }
        const compiled = compileDataSchema(root)
        if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems))
        for (const one of values) expect({ one, fits: compiled.check(one).length === 0 }).toEqual({ one, fits: Check(root as never, one) })
      }),
      { numRuns: 2_000 },
    )
  })

  it('finds only places that are there, or that are missing', () => {
    fc.assert(
      fc.property(schema, value, (generated, one) => {
        const compiled = compileDataSchema(typeof generated === 'boolean' ? generated : { ...generated, $defs })
        if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems))
        for (const { pointer, code } of compiled.check(one)) {
          const path = pointer.split('/').slice(1)
          const owner = (code === 'required' ? path.slice(0, -1) : path).reduce<unknown>(
            (at, key) => (at as Record<string, unknown>)[key],
            one,
          )
          expect(owner).not.toBeUndefined()
        }
      }),
      { numRuns: 1_000 },
    )
  })
})
