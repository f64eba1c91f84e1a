import type { Check } from '../run.ts'
import type { SchemaObject } from '../schema-object.ts'

/** Compiles what a schema says by one keyword, or by some that belong together; undefined where it says nothing. */
export type Keyword = (schema: SchemaObject) => Check | undefined
