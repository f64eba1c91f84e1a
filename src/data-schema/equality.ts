import { type Run, TooCostly } from './run.ts'

/** JSON Schema, Core §4.2.2: numbers by their value, objects whatever the order of their members. */
export function isEqual(left: unknown, right: unknown, run: Run): boolean {
  run.step()
  if (left === right) return true
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false
  if (Array.isArray(left) || Array.isArray(right)) {
    return (
      Array.isArray(left) &&
      Array.isArray(right) &&
      left.length === right.length &&
      left.every((item, index) => isEqual(item, right[index], run))
    )
  }
  const names = Object.keys(left)
  return (
    names.length === Object.keys(right).length &&
    names.every((name) => Object.hasOwn(right, name) && isEqual((left as Members)[name], (right as Members)[name], run))
  )
}

type Members = Record<string, unknown>

/** A text that is the same for equal values and for no others. */
export function keyOf(value: unknown, run: Run, depth = 0): string {
  run.step()
  if (depth > 500) throw new TooCostly('is nested too deep')
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  if (Array.isArray(value)) return `[${value.map((item) => keyOf(item, run, depth + 1)).join(',')}]`
  const members = Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}:${keyOf(member, run, depth + 1)}`)
  return `{${members.toSorted().join(',')}}`
}
