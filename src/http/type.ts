import type { Type as TypeBox } from 'typebox'

type Schema = Readonly<Record<string, unknown>>
type Options = object

const optional = new WeakSet<object>()

const makers = {
  Boolean: (options?: Options) => ({ type: 'boolean', ...options }),
  Integer: (options?: Options) => ({ type: 'integer', ...options }),
  Null: (options?: Options) => ({ type: 'null', ...options }),
  Number: (options?: Options) => ({ type: 'number', ...options }),
  String: (options?: Options) => ({ type: 'string', ...options }),
  Unknown: (options?: Options) => ({ ...options }),
  Literal: (value: unknown, options?: Options) => ({ type: typeof value, const: value, ...options }),
  Enum: (values: object, options?: Options) => ({ enum: Object.values(values), ...options }),
  Array: (items: Schema, options?: Options) => ({ type: 'array', items, ...options }),
  Union: (anyOf: readonly Schema[], options?: Options) => ({ anyOf, ...options }),
  Unsafe: (schema: Schema) => schema,
  Object: (properties: Readonly<Record<string, Schema>>, options?: Options) => {
    const required = Object.keys(properties).filter((name) => !optional.has(properties[name]!))
    return { type: 'object', ...(required.length > 0 && { required }), properties, ...options }
  },
  Optional: (schema: Schema) => {
    const copy = { ...schema }
    optional.add(copy)
    return copy
  },
}

/**
 * Makes the JSON Schemas of the routes, with TypeBox's types. It is the part of TypeBox's own `Type` that they need, which
 * otherwise would come with 400 modules for computing with types, and so with a tenth of the time that a start takes.
 */
export const Type = makers as unknown as Pick<typeof TypeBox, keyof typeof makers>
