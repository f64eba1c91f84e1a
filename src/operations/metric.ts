/** Takes one line of a metric: the values of its labels, in their order. @param part such as `_sum`, for those that have several */
export type Sample = (labels: readonly string[], value: number, part?: string) => void

/** A number, or a family of them, that `/metrics` shows. Times are in seconds and sizes in bytes, as Prometheus has them. */
export interface Metric {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** A sentence. */
  readonly help: string
  readonly labels: readonly string[]
  /** Gives what is known now. Asked only when somebody looks. */
  collect(sample: Sample): void
}
