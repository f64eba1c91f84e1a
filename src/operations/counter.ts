import { ByLabels } from './by-labels.ts'
import type { Metric, Sample } from './metric.ts'

/** Counts by the values of its labels, which come from the code and never from users: nothing here bounds their number. */
export class Counter implements Metric {
  readonly type = 'counter'
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  readonly #counts: ByLabels<{ count: number }>

  constructor(name: string, help: string, labels: readonly string[] = []) {
    this.name = name
    this.help = help
    this.labels = labels
    this.#counts = new ByLabels(labels.length, () => ({ count: 0 }))
    if (labels.length === 0) this.add(0)
  }

  add(amount: number, ...values: string[]): void {
    this.#counts.get(values).count += amount
  }

  collect(sample: Sample): void {
    for (const { labels, value } of this.#counts.all) sample(labels, value.count)
  }
}
