import type { Budget } from './budget.ts'
import { Overrun } from './failure.ts'

/** What a value is in a text: objects and lists as JSON, null as nothing. */
export function toText(value: unknown, budget: Budget): string {
  if (typeof value === 'string') return value
  if (value === null || value === undefined) return ''
  return typeof value === 'object' ? toJson(value, budget) : String(value as number | boolean)
}

/** @param space as of `JSON.stringify` */
export function toJson(value: unknown, budget: Budget, space = 0): string {
  budget.use(measure(value, budget, space))
  return JSON.stringify(value, null, space) ?? 'null'
}

/** Deeper values are refused, so that nothing that walks through them overflows the stack. */
const MAX_DEPTH = 500

/**
 * About how many characters the JSON of a value has, within the limits. A value that a template made can hold the same list many
 * times, so it is measured as it would be written.
 */
export function measure(value: unknown, budget: Budget, space = 0, depth = 0): number {
  if (typeof value === 'string') return value.length + 2
  if (typeof value !== 'object' || value === null) return 5
  if (depth > MAX_DEPTH) throw new Overrun('depth')
  let size = 2
  const indent = space * (depth + 1) + 2
  if (Array.isArray(value)) {
    for (const item of value) size = add(size, measure(item, budget, space, depth + 1) + indent, budget)
  } else {
    for (const name in value) {
      if (Object.hasOwn(value, name)) {
        const member = measure((value as Record<string, unknown>)[name], budget, space, depth + 1)
        size = add(size, name.length + 3 + member + indent, budget)
      }
    }
  }
  return size
}

function add(size: number, more: number, budget: Budget): number {
  budget.tick()
  const sum = size + more
  if (sum > 2 * budget.limits.characters) throw new Overrun('size')
  return sum
}
