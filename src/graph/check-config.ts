import type { Issue } from '../errors.ts'
import { compileDataSchema, type DataSchema } from '../data-schema/data-schema.ts'
import type { StepKind } from './step-kind.ts'

/** Compiled when the first step of a kind is checked. */
const schemas = new WeakMap<StepKind, DataSchema>()

/** Compares a step's config with the schema of its kind. Pointers are into the config. */
export function checkConfig(kind: StepKind, config: Record<string, unknown>): Issue[] {
  let schema = schemas.get(kind)
  if (!schema) {
    const compiled = compileDataSchema(kind.schema)
    if ('problems' in compiled) throw new Error(`the schema of ${kind.kind} is wrong`)
    schema = compiled
    schemas.set(kind, schema)
  }
  return schema.check(config)
}
