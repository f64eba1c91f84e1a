import type { Metric, Sample } from './metric.ts'

/** Counts by the values of its labels, which come from the code and never from users: nothing here bounds their number. */
export class Counter implements Metric {
  readonly type = 'counter'
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  readonly #counts = new Map<string, { values: string[]; count: number }>()

  constructor(name: string, help: string, labels: readonly string[] = []) {
    this.name = name
    this.help = help
    this.labels = labels
    if (labels.length === 0) this.add(0)
  }

  add(amount: number, ...values: string[]): void {
    const key = keyOf(values)
    const counted = this.#counts.get(key)
    if (counted) counted.count += amount
    else this.#counts.set(key, { values, count: amount })
  }

  collect(sample: Sample): void {
    for (const { values, count } of this.#counts.values()) sample(values, count)
  }
}

/** One text for the values of several labels. */
export function keyOf(values: readonly string[]): string {
  // Concatenated and not joined: this is the hot path, and joining takes three times as long.
  let key = ''
  for (const value of values) key += `${value}\n`
  return key
}
