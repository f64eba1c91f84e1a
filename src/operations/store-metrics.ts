import type { WriteMeter } from '../store/write-meter.ts'
import { Histogram } from './histogram.ts'
import type { Metric } from './metric.ts'

/** A commit takes as long as the disk needs for one flush, from a tenth of a millisecond on. Seconds. */
const COMMIT_BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]
const GROUP_BOUNDS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024]

/** Counts what the store tells of its writes. */
export class StoreMetrics implements WriteMeter {
  readonly #commits = new Histogram(
    'agent_studio_commit_duration_seconds',
    'How long the writing thread took for a transaction, with its flush to disk.',
    COMMIT_BOUNDS,
  )
  readonly #groups = new Histogram('agent_studio_commit_writes', 'How many writes shared one transaction.', GROUP_BOUNDS)
  readonly #waits = new Histogram(
    'agent_studio_write_wait_seconds',
    'How long writes waited for the writing thread before their transaction began.',
    COMMIT_BOUNDS,
  )
  readonly #queue: Metric

  /** @param pendingWrites how many writes are not answered at this moment */
  constructor(pendingWrites: () => number) {
    this.#queue = {
      name: 'agent_studio_write_queue',
      type: 'gauge',
      help: 'Writes that are waiting or in hand at this moment.',
      labels: [],
      collect: (sample) => sample([], pendingWrites()),
    }
  }

  get metrics(): Metric[] {
    return [this.#commits, this.#groups, this.#waits, this.#queue]
  }

  committed(writes: number, seconds: number): void {
    this.#commits.observe(seconds)
    this.#groups.observe(writes)
  }

  waited(seconds: number): void {
    this.#waits.observe(Math.max(0, seconds))
  }
}
