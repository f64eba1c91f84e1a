import type { Issue } from '../../errors.ts'
import type { Check, Run } from '../run.ts'
import type { Keyword } from './keyword.ts'

export const reference: Keyword = (schema) => {
  const target = schema.text('$ref')
  return target === undefined ? undefined : schema.compiler.reference(schema, target)
}

export const allOf: Keyword = (schema) => {
  const checks = schema.sameSchemaList('allOf')
  if (checks === undefined) return undefined
  return (value, run) => {
    let fits = true
    for (const check of checks) {
      run.step()
      if (check(value, run)) continue
      fits = false
      if (run.isDecided) return false
    }
    return fits
  }
}

export const anyOf: Keyword = (schema) => {
  const checks = schema.sameSchemaList('anyOf')
  if (checks === undefined) return undefined
  return (value, run) => {
    let fits = false
    for (const check of checks) {
      run.step()
      fits = run.quietly(check, value) || fits
      // The others may look at more, which `unevaluated…` wants to know.
      if (fits && !run.evaluated) return true
    }
    return fits || failAll(checks, value, run)
  }
}

export const oneOf: Keyword = (schema) => {
  const checks = schema.sameSchemaList('oneOf')
  if (checks === undefined) return undefined
  return (value, run) => {
    let fitting = 0
    for (const check of checks) {
      run.step()
      if (run.quietly(check, value)) fitting += 1
    }
    if (fitting === 0) return failAll(checks, value, run)
    return fitting === 1 || run.fail('invalid', `must fit exactly one of ${checks.length} forms; it fits ${fitting}`)
  }
}

/** Says what is wrong by the form that was probably meant: of those whose type is right, the one with the least to mend. */
function failAll(checks: readonly Check[], value: unknown, run: Run): false {
  if (run.isDecided) return false
  const own = run.pointer
  const found = checks.map((check) => run.aside(check, value))
  const isMeant = (issues: Issue[]): boolean =>
    !issues.some(({ pointer, code }) => pointer === own && (code === 'wrong_type' || code === 'not_allowed'))
  const meant = found.filter(isMeant).toSorted((left, right) => left.length - right.length)[0]
  if (meant === undefined || meant.length === 0) return run.fail('wrong_type', `fits none of the ${checks.length} forms that it may have`)
  run.add(meant)
  return false
}

export const not: Keyword = (schema) => {
  const check = schema.sameSchema('not')
  if (check === undefined) return undefined
  return (value, run) => {
    run.step()
    // What it looked at does not count.
    const { evaluated } = run
    run.evaluated = undefined
    const fits = run.quietly(check, value)
    run.evaluated = evaluated
    return !fits || run.fail('invalid', 'is just what it must not be')
  }
}

export const condition: Keyword = (schema) => {
  const when = schema.sameSchema('if')
  const then = schema.sameSchema('then')
  const otherwise = schema.sameSchema('else')
  if (when === undefined) return undefined
  return (value, run) => {
    run.step()
    const chosen = run.quietly(when, value) ? then : otherwise
    return chosen === undefined || chosen(value, run)
  }
}
