import { Type as TypeBox } from 'typebox'
import { describe, expect, it } from 'vitest'
import { Type } from './type.ts'

/** A schema of every kind, with and without options, as one of the two makes it. */
function schemasOf(make: typeof Type) {
  const version = make.String({ minLength: 1 })
  return {
    boolean: make.Boolean({ default: true }),
    integer: make.Integer({ minimum: 0 }),
    null: make.Null(),
    number: make.Number({ description: 'a number' }),
    string: make.String(),
    unknown: make.Unknown({ description: 'anything' }),
    literals: [make.Literal('a'), make.Literal(1, { title: 'one' }), make.Literal(true)],
    enums: [make.Enum(['a', 'b'], { default: 'a' }), make.Enum({ First: 'a', Second: 'b' })],
    array: make.Array(make.String(), { maxItems: 3 }),
    union: make.Union([make.String(), make.Null()], { 'x-message': 'text or nothing' }),
    object: make.Object(
      { name: version, version: make.Optional({ ...version, default: '1.0.0' }), tags: make.Optional(make.Array(make.String())) },
      { additionalProperties: false, title: 'Thing' },
    ),
    optional: make.Object({ all: make.Optional(make.Unknown()) }),
    // An option is added, and it is required again.
    copied: make.Object({ copy: { ...make.Optional(make.String()), title: 'Copy' } }),
    unsafe: make.Object({ free: make.Unsafe<Record<string, unknown>>({ type: 'object' }) }),
  }
}

/** As it is sent. TypeBox marks some of its schemas with members that begin with `~`. */
function asSent(schemas: unknown): string {
  return JSON.stringify(schemas, (key, value: unknown) => (key.startsWith('~') ? undefined : value), 1)
}

describe('Type', () => {
  it("makes the schemas that TypeBox's own makes", () => {
    expect(asSent(schemasOf(Type))).toBe(asSent(schemasOf(TypeBox)))
  })

  it('makes nothing that is not sent', () => {
    expect(JSON.stringify(schemasOf(Type))).not.toContain('~')
  })
})
