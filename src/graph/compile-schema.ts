import { compileDataSchema, type DataSchema } from '../data-schema/data-schema.ts'
import type { Findings } from './findings.ts'

/** A JSON Schema that a definition gives for data. @returns undefined where there is none, or where it is wrong, which is noted */
export function compileSchema(schema: unknown, pointer: string, findings: Findings): DataSchema | undefined {
  if (schema === undefined || schema === null) return undefined
  const compiled = compileDataSchema(schema)
  if (!('problems' in compiled)) return compiled
  for (const { pointer: place, code, message } of compiled.problems) findings.problem(`${pointer}${place}`, code, message)
  return undefined
}
