import { keyOf } from './counter.ts'
import type { Metric, Sample } from './metric.ts'

interface Distribution {
  values: string[]
  /** How many fell into each bucket; the last is for what is above all bounds. */
  counts: Float64Array
  sum: number
}

/** Durations in seconds, or sizes, in buckets with fixed bounds, by the values of its labels. */
export class Histogram implements Metric {
  readonly type = 'histogram'
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  readonly #bounds: readonly number[]
  readonly #distributions = new Map<string, Distribution>()

  /** @param bounds the largest value of each bucket, ascending */
  constructor(name: string, help: string, bounds: readonly number[], labels: readonly string[] = []) {
    this.name = name
    this.help = help
    this.labels = labels
    this.#bounds = bounds
    if (labels.length === 0) this.#begin('', [])
  }

  observe(value: number, ...values: string[]): void {
    const key = keyOf(values)
    const distribution = this.#distributions.get(key) ?? this.#begin(key, values)
    const bounds = this.#bounds
    let bucket = 0
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++
    distribution.counts[bucket]!++
    distribution.sum += value
  }

  collect(sample: Sample): void {
    for (const { values, counts, sum } of this.#distributions.values()) sampleBuckets(sample, values, this.#bounds, counts, sum)
  }

  #begin(key: string, values: string[]): Distribution {
    const distribution = { values, counts: new Float64Array(this.#bounds.length + 1), sum: 0 }
    this.#distributions.set(key, distribution)
    return distribution
  }
}

/** The lines of one histogram. Prometheus counts in a bucket whatever is at most its bound, so also all that the smaller ones hold. */
export function sampleBuckets(
  sample: Sample,
  values: readonly string[],
  bounds: readonly number[],
  counts: ArrayLike<number>,
  sum: number,
): void {
  let total = 0
  for (const [index, bound] of bounds.entries()) {
    total += counts[index]!
    sample([...values, String(bound)], total, '_bucket')
  }
  total += counts[bounds.length]!
  sample([...values, '+Inf'], total, '_bucket')
  sample(values, sum, '_sum')
  sample(values, total, '_count')
}
