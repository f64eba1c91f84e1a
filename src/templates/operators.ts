import type { Context } from 'liquidjs'
import type { Rendering } from './render-context.ts'

type Unary = (value: unknown, rendering: Rendering) => boolean
type Binary = (left: unknown, right: unknown, rendering: Rendering) => boolean

interface Operators {
  [binary: string]: Unary | Binary
  not: Unary
}

/** The operators of conditions, with the comparisons of this room instead of LiquidJS's own. */
export function makeOperators(isTruthy: (value: unknown, context: Context) => boolean): Operators {
  const compare = (holds: (order: number) => boolean): Binary => {
    return (left, right, { comparison }) => {
      const order = comparison.order(left, right)
      return order !== undefined && holds(order)
    }
  }
  return {
    '==': (left, right, { comparison }) => comparison.equal(left, right),
    '!=': (left, right, { comparison }) => !comparison.equal(left, right),
    '>': compare((order) => order > 0),
    '<': compare((order) => order < 0),
    '>=': compare((order) => order >= 0),
    '<=': compare((order) => order <= 0),
    contains: (left, right, { comparison }) => comparison.contains(left, right),
    not: (value: unknown, rendering: Rendering) => !isTruthy(value, rendering),
    and: (left, right, rendering) => isTruthy(left, rendering) && isTruthy(right, rendering),
    or: (left, right, rendering) => isTruthy(left, rendering) || isTruthy(right, rendering),
  }
}
