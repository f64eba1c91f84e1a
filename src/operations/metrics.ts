import type { Db } from '../store/store.ts'
import { DeploymentSeries } from './deployment-series.ts'
import { EngineMetrics } from './engine-metrics.ts'
import { EventLoopMetrics } from './event-loop-metrics.ts'
import { HttpMetrics } from './http-metrics.ts'
import type { Metric } from './metric.ts'
import { processMetrics } from './process-metrics.ts'
import { countInFlight, findExisting } from './repository.ts'
import { StoreMetrics } from './store-metrics.ts'
import { toTextFormat } from './text-format.ts'

/** What is looked up at the moment that somebody asks. */
export interface MetricSources {
  version: string
  pendingWrites(): number
  openStreams(): number
}

/** Everything that `/metrics` shows. What happens often is counted in memory as it happens; the rest is looked up when asked. */
export class Metrics {
  readonly #series = new DeploymentSeries()
  readonly engine = new EngineMetrics(this.#series)
  readonly store: StoreMetrics
  readonly http: HttpMetrics
  readonly all: readonly Metric[]

  constructor({ version, pendingWrites, openStreams }: MetricSources) {
    this.store = new StoreMetrics(pendingWrites)
    this.http = new HttpMetrics(openStreams)
    this.all = [
      buildInfo(version),
      ...this.engine.metrics,
      ...this.store.metrics,
      ...this.http.metrics,
      ...new EventLoopMetrics().metrics,
      ...processMetrics,
    ]
  }

  /** @returns the text format of Prometheus */
  async text(db: Db): Promise<string> {
    const shown = this.#series.ids
    const existing = await findExisting(db, shown)
    this.#series.forget(shown.filter((id) => !existing.has(id)))
    this.#series.showInFlight(await countInFlight(db))
    return toTextFormat(this.all)
  }
}

function buildInfo(version: string): Metric {
  return {
    name: 'agent_studio_build_info',
    type: 'gauge',
    help: 'Always 1; its labels say what is running.',
    labels: ['version', 'node'],
    collect: (sample) => sample([version, process.version], 1),
  }
}
