import type { Issue } from '../errors.ts'
import { Interrupted, interruptible } from '../interrupt.ts'
import { Compiler } from './compiler.ts'
import { lookUp, type Knowledge } from './look-up.ts'
import { type Check, MAX_MILLISECONDS, NeedsWatch, Run, TooCostly } from './run.ts'
import type { JsonType } from './types.ts'

export type { JsonType } from './types.ts'

/** A JSON Schema that a user wrote for the data of a workflow, ready to check with. Immutable. */
export interface DataSchema {
  readonly schema: unknown
  /** What is wrong with a value, with pointers into it; at most 20 problems. None when it fits. */
  check(value: unknown): Issue[]
  /** Whether a value that fits can have something at that path, as templates read it (`size`, `first` and `last` included). */
  knows(path: readonly (string | number)[]): Knowledge['status']
  /** Of which types it can be there. Every one of them where the schema says nothing. */
  typesAt(path: readonly (string | number)[]): ReadonlySet<JsonType>
}

/** Takes about a millisecond for a schema of a hundred parts. Problems have pointers into the schema. */
export function compileDataSchema(schema: unknown): DataSchema | { problems: Issue[] } {
  const compiler = new Compiler(schema)
  const check = compiler.finish()
  const { problems } = compiler
  if (problems.length > 0) return { problems }
  return {
    schema,
    check: (value) => issuesOf(check, value),
    knows: (path) => lookUp(schema, path).status,
    typesAt: (path) => lookUp(schema, path).types,
  }
}

function issuesOf(check: Check, value: unknown): Issue[] {
  try {
    return issuesIn(new Run(false), check, value)
  } catch (error) {
    if (!(error instanceof NeedsWatch)) throw error
  }
  try {
    return interruptible(() => issuesIn(new Run(true), check, value), MAX_MILLISECONDS)
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error
    return [tooCostly(`takes more than ${MAX_MILLISECONDS} ms to be checked, most of it with a pattern`)]
  }
}

function issuesIn(run: Run, check: Check, value: unknown): Issue[] {
  try {
    if (check(value, run)) return []
    // Nearly every value fits; only one that does not is gone through again, to say where.
    run.tell()
    check(value, run)
    return run.issues
  } catch (error) {
    if (error instanceof TooCostly) return [...run.issues, tooCostly(error.message)]
    // A stack that overflows: forms within forms, for each level of a deep value.
    if (error instanceof RangeError) return [...run.issues, tooCostly('is nested too deep')]
    throw error
  }
}

function tooCostly(reason: string): Issue {
  return { pointer: '', code: 'schema_too_costly', message: `The value ${reason}.` }
}
