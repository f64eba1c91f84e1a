import type { Keyword } from './keyword.ts'

export const bounds: Keyword = (schema) => {
  const least = schema.number('minimum') ?? -Infinity
  const most = schema.number('maximum') ?? Infinity
  const above = schema.number('exclusiveMinimum') ?? -Infinity
  const below = schema.number('exclusiveMaximum') ?? Infinity
  if (least === -Infinity && most === Infinity && above === -Infinity && below === Infinity) return undefined
  const should = [
    least === -Infinity ? '' : `at least ${least}`,
    above === -Infinity ? '' : `more than ${above}`,
    most === Infinity ? '' : `at most ${most}`,
    below === Infinity ? '' : `less than ${below}`,
  ]
    .filter(Boolean)
    .join(' and ')
  return (value, run) =>
    typeof value !== 'number' ||
    (value >= least && value <= most && value > above && value < below) ||
    run.fail('out_of_range', `must be ${should}; it is ${value}`)
}

export const multipleOf: Keyword = (schema) => {
  const divisor = schema.number('multipleOf')
  if (divisor === undefined) return undefined
  if (!(divisor > 0)) return schema.refuse('multipleOf', `'multipleOf' must be more than 0.`)
  return (value, run) =>
    typeof value !== 'number' || isMultiple(value, divisor) || run.fail('out_of_range', `must be a multiple of ${divisor}; it is ${value}`)
}

/** By their digits, as people mean it: 0.3 is a multiple of 0.1, although no double is. */
function isMultiple(value: number, divisor: number): boolean {
  const scale = 10 ** Math.max(decimals(value), decimals(divisor))
  const whole = Math.round(value * scale)
  const part = Math.round(divisor * scale)
  if (Number.isSafeInteger(whole) && Number.isSafeInteger(part) && part > 0) return whole % part === 0
  return Number.isInteger(value / divisor)
}

function decimals(value: number): number {
  const [, fraction = '', exponent = '0'] = /^-?\d+(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value)) ?? []
  return Math.max(0, fraction.length - Number(exponent))
}
