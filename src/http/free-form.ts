import { Type } from './type.ts'

/**
 * An object whose content belongs to the user and is kept as it came. Not `Type.Record`, which holds each key against a
 * pattern: a second for a million keys.
 */
export const FreeForm = Type.Unsafe<Record<string, unknown>>({ type: 'object' })
