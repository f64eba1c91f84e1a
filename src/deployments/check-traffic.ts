import type { Issue } from '../errors.ts'

/** What is wrong with routes whatever their deployment is. A field of the wrong type is left to the schema. */
export function checkTraffic({ routes, guard }: Readonly<Record<string, unknown>>): Issue[] {
  const given = Array.isArray(routes) ? routes.map((route) => (typeof route === 'object' && route !== null ? (route as Given) : {})) : []
  return [...checkPercentages(given), ...repeated(given, 'release'), ...repeated(given, 'tag'), ...checkGuard(guard, given.length)]
}

interface Given {
  release?: unknown
  percent?: unknown
  tag?: unknown
}

const hundredths = (percent: number): number => percent * 100

function checkPercentages(routes: readonly Given[]): Issue[] {
  const percents = routes.map(({ percent }) => percent)
  if (percents.length === 0 || !percents.every((percent) => typeof percent === 'number' && percent >= 0 && percent <= 100)) return []
  const numbers = percents as number[]
  const fine = numbers.flatMap((percent, index) => {
    // 0.29 × 100 is 28.999999999999996.
    if (Math.abs(hundredths(percent) - Math.round(hundredths(percent))) < 1e-9) return []
    return [{ pointer: `/routes/${index}/percent`, code: 'not_allowed', message: "'percent' has at most two decimals." }]
  })
  if (fine.length > 0) return fine
  const sum = numbers.reduce((total, percent) => total + Math.round(hundredths(percent)), 0) / 100
  if (sum === 100) return []
  return [{ pointer: '/routes', code: 'not_allowed', message: `The percentages add up to ${sum}, and must add up to 100.` }]
}

function repeated(routes: readonly Given[], field: 'release' | 'tag'): Issue[] {
  return routes.flatMap((route, index) => {
    const value = route[field]
    if (value === undefined || routes.findIndex((other) => other[field] === value) === index) return []
    return [
      {
        pointer: `/routes/${index}/${field}`,
        code: 'repeated',
        message: `Another route has the ${field} ${JSON.stringify(value)} already.`,
      },
    ]
  })
}

const BOUNDS = ['max_error_rate', 'max_p95_ms', 'max_cost']

function checkGuard(guard: unknown, routes: number): Issue[] {
  if (typeof guard !== 'object' || guard === null) return []
  if (!BOUNDS.some((bound) => bound in guard)) {
    return [{ pointer: '/guard', code: 'required', message: `A guard needs a bound: ${BOUNDS.join(', ')}.` }]
  }
  if (routes !== 1) return []
  return [{ pointer: '/guard', code: 'not_allowed', message: 'A guard needs a second route, which executions can go back to.' }]
}
