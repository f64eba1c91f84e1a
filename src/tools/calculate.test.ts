import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { calculate, CalculationFailed } from './calculate.ts'

describe('a calculation', () => {
  it.each([
    ['1 + 2 * 3', 7],
    ['(1 + 2) * 3', 9],
    ['2^3^2', 512],
    ['-2^2', -4],
    ['2^-1', 0.5],
    ['0.1 + 0.2', 0.3],
    ['10 % 4 - 1', 1],
    ['1_000 / 8', 125],
    ['1e3 × 2 ÷ 4 − 1', 499],
    ['2 ** 10', 1024],
    ['round(7.256, 2) + min(3, 1, 2) * sqrt(16)', 11.26],
    ['Max(PI, e) - pi', 0],
    ['--1', 1],
    ['.5 + 1', 1.5],
  ])('of %s is %d', (expression, value) => expect(calculate(expression)).toBe(value))

  it.each([
    '',
    '1 +',
    '(1',
    '1)',
    '1 / 0',
    '9e999',
    'process.exit()',
    'constructor',
    '__proto__(1)',
    'sqrt(1, 2)',
    'sqrt',
    '1 2',
    '3 apples',
    '"a"',
    `${'('.repeat(400)}1${')'.repeat(400)}`,
    '1+'.repeat(600),
    `${'2^'.repeat(300)}1`,
  ])('of %j is refused with a reason', (expression) => {
    expect(() => calculate(expression)).toThrow(CalculationFailed)
  })

  it('of any text ends, with a finite number or a reason', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from('0123456789.+-*/%^(), episqrt')) }), (expression) => {
        try {
          expect(Number.isFinite(calculate(expression))).toBe(true)
        } catch (error) {
          expect(error).toBeInstanceOf(CalculationFailed)
        }
      }),
    )
  })
})
