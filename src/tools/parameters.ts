import { compileDataSchema, type DataSchema } from '../data-schema/data-schema.ts'
import type { StepCompiler } from '../graph/step-kind.ts'

/** For what is wrong anyway. */
const anything = compileDataSchema(true) as DataSchema

/** The schema of a tool's arguments; what is wrong with it is noted. @param pointer within the tool */
export function schemaOf(parameters: unknown, compiler: StepCompiler, pointer = '/parameters'): DataSchema {
  const compiled = compileDataSchema(parameters)
  if (!('problems' in compiled)) return compiled
  for (const { pointer: place, code, message } of compiled.problems) compiler.problem(`${pointer}${place}`, code, message)
  return anything
}
