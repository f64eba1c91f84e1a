import { keyOf } from '../equality.ts'
import type { Check, Run } from '../run.ts'
import type { Keyword } from './keyword.ts'

/** `prefixItems` and `items`; before 2020-12 `items` as a list and `additionalItems`. */
export const items: Keyword = (schema) => {
  const isOld = Array.isArray(schema.get('items'))
  const first = (isOld ? schema.partSchemaList('items') : schema.partSchemaList('prefixItems')) ?? []
  const rest = isOld ? schema.partSchema('additionalItems') : schema.partSchema('items')
  if (first.length === 0 && rest === undefined) return undefined
  return (value, run) => {
    if (!Array.isArray(value)) return true
    const count = rest ? value.length : Math.min(first.length, value.length)
    if (run.evaluated) run.evaluated.itemsBefore = Math.max(run.evaluated.itemsBefore, count)
    return eachItem(value, count, run, (index) => first[index] ?? rest!)
  }
}

function eachItem(list: readonly unknown[], count: number, run: Run, checkOf: (index: number) => Check): boolean {
  let fits = true
  for (let index = 0; index < count; index++) {
    run.step()
    if (run.child(index, checkOf(index), list[index])) continue
    fits = false
    if (run.isDecided) return false
  }
  return fits
}

export const itemsCount: Keyword = (schema) => {
  const least = schema.count('minItems') ?? 0
  const most = schema.count('maxItems') ?? Infinity
  if (least === 0 && most === Infinity) return undefined
  return (value, run) => {
    if (!Array.isArray(value)) return true
    if (value.length < least) return run.fail('too_short', `must have at least ${least} items; it has ${value.length}`)
    return value.length <= most || run.fail('too_long', `must have at most ${most} items; it has ${value.length}`)
  }
}

export const uniqueItems: Keyword = (schema) => {
  if (schema.get('uniqueItems') !== true) return undefined
  return (value, run) => {
    if (!Array.isArray(value)) return true
    const seen = new Set<string>()
    for (const [index, item] of value.entries()) {
      const key = keyOf(item, run)
      if (seen.has(key)) return run.fail('repeated', 'is there twice', index)
      seen.add(key)
    }
    return true
  }
}

export const contains: Keyword = (schema) => {
  const check = schema.partSchema('contains')
  const least = schema.count('minContains') ?? 1
  const most = schema.count('maxContains') ?? Infinity
  if (check === undefined) return undefined
  return (value, run) => {
    if (!Array.isArray(value)) return true
    let found = 0
    for (const [index, item] of value.entries()) {
      run.step()
      if (!run.quietly((one) => run.child(index, check, one), item)) continue
      found += 1
      run.evaluated?.items.add(index)
      // Which items are the ones matters only to `unevaluatedItems`.
      if (found >= least && most === Infinity && !run.evaluated) return true
    }
    if (found < least) return run.fail('invalid', `must contain ${least} items as its schema says; it has ${found}`)
    return found <= most || run.fail('invalid', `must contain at most ${most} items as its schema says; it has ${found}`)
  }
}

export const unevaluatedItems: Keyword = (schema) => {
  const check = schema.partSchema('unevaluatedItems')
  if (check === undefined) return undefined
  return (value, run) => {
    const { evaluated } = run
    if (!Array.isArray(value) || evaluated === undefined) return true
    const { items: known, itemsBefore } = evaluated
    evaluated.itemsBefore = value.length
    return eachItem(value, value.length, run, (index) => (index < itemsBefore || known.has(index) ? () => true : check))
  }
}
