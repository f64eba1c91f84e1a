import { isLimited, reaches, type Reach } from '../access/caller.ts'
import type { Db } from '../store/store.ts'
import { DeploymentSeries } from './deployment-series.ts'
import { EngineMetrics } from './engine-metrics.ts'
import { EventLoopMetrics } from './event-loop-metrics.ts'
import { HttpMetrics } from './http-metrics.ts'
import { LoadMetrics } from './load-metrics.ts'
import type { Metric } from './metric.ts'
import { processMetrics } from './process-metrics.ts'
import { countInFlight, countWebhooks, findExisting } from './repository.ts'
import { StoreMetrics } from './store-metrics.ts'
import { toTextFormat } from './text-format.ts'
import { WebhookMetrics } from './webhook-metrics.ts'

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
  readonly load = new LoadMetrics()
  readonly webhooks = new WebhookMetrics()
  readonly all: readonly Metric[]

  constructor({ version, pendingWrites, openStreams }: MetricSources) {
    this.store = new StoreMetrics(pendingWrites)
    this.http = new HttpMetrics(openStreams)
    this.all = [
      buildInfo(version),
      ...this.engine.metrics,
      ...this.store.metrics,
      ...this.http.metrics,
      ...this.load.metrics,
      ...this.webhooks.metrics,
      ...new EventLoopMetrics().metrics,
      ...processMetrics,
    ]
  }

  /**
   * @param reach what whoever asks can see of environments and deployments
   * @returns the text format of Prometheus
   */
  async text(db: Db, reach: Reach): Promise<string> {
    const shown = this.#series.ids
    const existing = await findExisting(db, shown)
    this.#series.forget(shown.filter((id) => !existing.has(id)))
    this.#series.showInFlight(await countInFlight(db))
    this.webhooks.show(await countWebhooks(db))
    return isLimited(reach) ? toTextFormat(this.all, (labels, values) => isSeen(reach, labels, values)) : toTextFormat(this.all)
  }
}

function isSeen(reach: Reach, labels: readonly string[], values: readonly string[]): boolean {
  const environment = values[labels.indexOf('environment')]
  if (environment === undefined) return true
  const name = values[labels.indexOf('deployment_name')]
  return name === undefined ? reach.environments === null || reach.environments.has(environment) : reaches(reach, environment, name)
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
