import { ByLabels } from './by-labels.ts'
import type { Metric, Sample } from './metric.ts'

interface Distribution {
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
  readonly #distributions: ByLabels<Distribution>

  /** @param bounds the largest value of each bucket, ascending */
  constructor(name: string, help: string, bounds: readonly number[], labels: readonly string[] = []) {
    this.name = name
    this.help = help
    this.labels = labels
    this.#bounds = bounds
    this.#distributions = new ByLabels(labels.length, () => ({ counts: new Float64Array(bounds.length + 1), sum: 0 }))
    if (labels.length === 0) this.#distributions.get([])
  }

  observe(value: number, ...values: string[]): void {
    const distribution = this.#distributions.get(values)
    const bounds = this.#bounds
    let bucket = 0
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++
    distribution.counts[bucket]!++
    distribution.sum += value
  }

  collect(sample: Sample): void {
    for (const { labels, value } of this.#distributions.all) sampleBuckets(sample, labels, this.#bounds, value.counts, value.sum)
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
