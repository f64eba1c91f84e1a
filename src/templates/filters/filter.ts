import type { Rendering } from '../render-context.ts'

/** A filter, called with what stands before the bar and what stands after its name. */
export type Filter = (rendering: Rendering, value: unknown, args: readonly unknown[]) => unknown

/** LiquidJS's own, which we call with what they need and can do no harm with. */
export type LiquidFilter = (this: unknown, value: unknown, ...args: unknown[]) => unknown

/** What its filters ask for: a limiter and no more. Limits are kept around them. */
export const withoutLimits = {
  context: { memoryLimit: { use: () => undefined }, ownPropertyOnly: true, opts: {} },
}

/** The filter of LiquidJS by that name. */
export function own(filters: Record<string, unknown>, name: string): LiquidFilter {
  const filter = filters[name]
  if (typeof filter !== 'function') throw new Error(`LiquidJS has no filter '${name}' any more`)
  return filter as LiquidFilter
}
