export type Unit = '/s' | ':1' | 'ms' | 'µs' | 'MB' | 'kB' | ''

/** What was measured, and what it should be at least or at most, if anybody said so. */
export interface Value {
  what: string
  /** Undefined when it was not measured: what it is compared with could not run, or the options left it out. */
  value: number | undefined
  unit: Unit
  atLeast?: number
  atMost?: number
}

export type Verdict = 'met' | 'missed' | 'not measured'

/** Undefined where there is no target. */
export function verdictOf({ value, atLeast, atMost }: Value): Verdict | undefined {
  if (atLeast === undefined && atMost === undefined) return undefined
  if (value === undefined || !Number.isFinite(value)) return 'not measured'
  return value >= (atLeast ?? -Infinity) && value <= (atMost ?? Infinity) ? 'met' : 'missed'
}

export const toMegabytes = (bytes: number): number => bytes / 2 ** 20
export const toKilobytes = (bytes: number): number => bytes / 2 ** 10
