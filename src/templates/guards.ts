import type { FilteredValueToken, Token } from 'liquidjs'
import { Failure } from './failure.ts'
import type { LiquidModule } from './liquid.ts'
import { describe } from './read-property.ts'
import type { Rendering } from './render-context.ts'

/**
 * Values that LiquidJS uses without asking what they are: it copies an object of any size to loop over it, makes a text of a list that
 * should be a number, and counts for ever towards an end that a number cannot reach in steps of one.
 */
export type Guard = (value: unknown, rendering: Rendering) => unknown

/** A token that gives the same value, once it has passed. */
export function guardToken(liquid: LiquidModule, token: Token, guard: Guard): FilteredValueToken {
  const { evalToken, toValue, toValueSync } = liquid
  return computedToken(liquid, token, (rendering) => guard(toValue(toValueSync(evalToken(token, rendering))), rendering))
}

/** A token that gives nothing where its path leads nowhere. */
export function optionalToken(liquid: LiquidModule, token: Token): FilteredValueToken {
  const { evalToken, toValueSync } = liquid
  return computedToken(liquid, token, (rendering) => toValueSync(evalToken(token, rendering, true)))
}

/** LiquidJS takes it for an expression in parentheses. */
function computedToken({ TokenKind }: LiquidModule, token: Token, evaluate: (rendering: Rendering) => unknown): FilteredValueToken {
  const { input, begin, end } = token
  const guarded = { kind: TokenKind.FilteredValue, input, begin, end, initial: { evaluate }, filters: [], getText: () => token.getText() }
  return guarded as unknown as FilteredValueToken
}

const MAX_RANGE_END = 2 ** 31

export const rangeEnd: Guard = (value) => {
  const number = typeof value === 'string' && value.length < 20 ? Number(value) : value
  if (typeof number !== 'number' || !(Math.abs(number) <= MAX_RANGE_END))
    throw new Failure(`a range needs whole numbers at both ends; one is ${describe(value)}`)
  return Math.trunc(number)
}

/** An object gives pairs of name and value. */
export const loopItems: Guard = (value, { budget }) => {
  if (value === null || value === undefined || Array.isArray(value)) return value
  if (typeof value !== 'object') throw new Failure(`a loop needs a list; it is ${describe(value)}`)
  const names = Object.keys(value)
  budget.use(names.length)
  return names.map((name) => {
    budget.tick()
    return [name, (value as Record<string, unknown>)[name]]
  })
}

/** `limit` and `offset`. The register behind `offset: continue` is an object before the first loop. */
export const loopNumber: Guard = (value) => {
  if (typeof value === 'number' && value >= 0) return Math.trunc(value)
  if (typeof value === 'string' && /^\d{1,9}$/.test(value)) return Number(value)
  if (typeof value === 'object' && value !== null && Object.keys(value).length === 0) return 0
  throw new Failure(`limit and offset of a loop are numbers; one is ${describe(value)}`)
}
