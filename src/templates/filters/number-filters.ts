import { Failure } from '../failure.ts'
import { describe } from '../read-property.ts'
import { own, withoutLimits, type Filter } from './filter.ts'

const NUMBER_FILTERS = ['abs', 'at_least', 'at_most', 'ceil', 'divided_by', 'floor', 'minus', 'modulo', 'plus', 'round', 'times']

/** LiquidJS counts what is no number as 0. Here it is a failure, since a total that is wrong in silence is worse. */
export function numberFilters(filters: Record<string, unknown>): Record<string, Filter> {
  return Object.fromEntries(NUMBER_FILTERS.map((name) => [name, strict(name, own(filters, name))]))
}

function strict(name: string, filter: (this: unknown, ...args: [unknown, ...unknown[]]) => unknown): Filter {
  return (_rendering, value, args) => {
    const numbers = args.map((arg) => (typeof arg === 'boolean' ? arg : toNumber(name, arg)))
    const result = filter.call(withoutLimits, toNumber(name, value), ...numbers)
    if (typeof result !== 'number' || !Number.isFinite(result))
      throw new Failure(`${name} gives no number here, as a division by zero does`)
    return result
  }
}

/** A number, or a text that is written as one. */
export function toNumber(filter: string, value: unknown): number {
  const number = typeof value === 'string' && value.length < 400 && value.trim() !== '' ? Number(value) : value
  if (typeof number === 'number' && Number.isFinite(number)) return number
  throw new Failure(`${filter} needs a number; it got ${describe(value)}`)
}
