import { Type } from './type.ts'

/** Kinds of fields that answers of every feature have. */

export const Nullable = <Schema extends Parameters<typeof Type.Union>[0][number]>(schema: Schema) => Type.Union([schema, Type.Null()])

export const Time = Type.String({ format: 'date-time' })

export const Id = Type.String({ format: 'uuid' })

/** What a model call used, or several of them together. */
export const Tokens = Type.Object({ input: Type.Integer(), output: Type.Integer(), total: Type.Integer() })
