import { own, withoutLimits, type Filter } from './filter.ts'
import { dateFilters } from './date-filters.ts'
import { jsonFilters } from './json-filters.ts'
import { listFilters } from './list-filters.ts'
import { numberFilters } from './number-filters.ts'
import { textFilters } from './text-filters.ts'

/**
 * Every filter that templates have. Of what LiquidJS brings, left out are those that read an expression out of a text (`where_exp`: what
 * they refer to would be known only at run time, and the text may come from anybody), that are random (`sample`), or only for
 * looking into LiquidJS (`inspect`, `raw`).
 * @param filters LiquidJS's own
 */
export function allFilters(filters: Record<string, unknown>): Record<string, Filter> {
  const otherwise = own(filters, 'default')
  return {
    ...textFilters(filters),
    ...numberFilters(filters),
    ...listFilters,
    ...jsonFilters,
    ...dateFilters,
    default: (_rendering, value, args) => otherwise.call(withoutLimits, value, ...args),
  }
}
