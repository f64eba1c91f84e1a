import { monitorEventLoopDelay, performance, type ELDHistogram } from 'node:perf_hooks'
import { sampleBuckets } from './histogram.ts'
import type { Metric, Sample } from './metric.ts'

/** How often the loop is asked. It costs nothing that could be measured, in native code. Milliseconds. */
const RESOLUTION_MS = 20

/** Seconds. */
const BOUNDS = [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5]

/** How long whatever is due waits for the event loop, which does everything but the writing to disk. */
export class EventLoopMetrics {
  readonly #delays: ELDHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })

  readonly metrics: readonly Metric[] = [
    {
      name: 'agent_studio_event_loop_delay_seconds',
      type: 'histogram',
      help: `How late the event loop came to a timer that was due, looked at every ${RESOLUTION_MS} ms.`,
      labels: [],
      collect: (sample) => this.#collectDelays(sample),
    },
    {
      name: 'agent_studio_event_loop_busy_seconds_total',
      type: 'counter',
      help: 'Time that the event loop was at work and not waiting for something to do.',
      labels: [],
      collect: (sample) => sample([], performance.eventLoopUtilization().active / 1_000),
    },
  ]

  constructor() {
    this.#delays.enable()
  }

  /** What Node measures is the time between two looks, so the interval is in it. */
  #collectDelays(sample: Sample): void {
    const { count } = this.#delays
    const upTo = BOUNDS.map((bound) => this.#countUpTo(bound * 1_000 + RESOLUTION_MS, count))
    const counts = [...upTo, count].map((total, index) => total - (upTo[index - 1] ?? 0))
    const sum = count === 0 ? 0 : (count * (this.#delays.mean / 1e6 - RESOLUTION_MS)) / 1_000
    sampleBuckets(sample, [], BOUNDS, counts, Math.max(0, sum))
  }

  /** Node tells percentiles and no counts: the count is the largest rank whose value is not above the bound. */
  #countUpTo(ms: number, count: number): number {
    let low = 0
    let high = count
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if (this.#delays.percentile((middle / count) * 100) <= ms * 1e6) low = middle
      else high = middle - 1
    }
    return low
  }
}
