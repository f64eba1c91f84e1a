import { Failure, Overrun } from '../failure.ts'
import { toJson, toText } from '../to-text.ts'
import type { Filter } from './filter.ts'

export const jsonFilters: Record<string, Filter> = {
  json: ({ budget }, value, [space]) => toJson(value ?? null, budget, typeof space === 'number' ? Math.min(Math.max(0, space), 10) : 0),
  parse_json: ({ budget }, value) => {
    const text = toText(value, budget)
    if (text.length > budget.limits.characters) throw new Overrun('size')
    budget.use(text.length)
    try {
      return JSON.parse(text) as unknown
    } catch {
      throw new Failure('parse_json was given a text that is no JSON')
    }
  },
}
