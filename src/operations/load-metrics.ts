import { Counter } from './counter.ts'
import type { Metric } from './metric.ts'

/** Counts the requests that were refused because of what others had asked for. */
export class LoadMetrics {
  readonly #shed = new Counter('agent_studio_requests_shed_total', 'Requests that were refused because the server had too much to do.', [
    'kind',
  ])
  readonly #limited = new Counter('agent_studio_requests_limited_total', 'Requests that were refused because a limit was reached.', [
    'limit',
  ])

  get metrics(): Metric[] {
    return [this.#shed, this.#limited]
  }

  /** @param kind what was asked for: `work`, which begins executions, or the `rest` */
  shed(kind: string): void {
    this.#shed.add(1, kind)
  }

  /** @param limit the policy that its `RateLimit` fields name */
  limited(limit: string): void {
    this.#limited.add(1, limit)
  }
}
