import { isTest } from '../engine/draft.ts'
import type { EndStatus, MeteredExecution } from '../engine/meter.ts'
import type { Metric, Sample } from './metric.ts'

/** Of how many deployments the executions are shown by name. Each costs whoever collects the metrics up to six series. */
const LIMIT = 1_000

/** Stands for the deployments beyond the limit. No deployment can be called that. */
const OTHERS = '(other)'

const ENDED = ['completed', 'failed', 'cancelled'] as const
const UNFINISHED = ['queued', 'running', 'waiting'] as const
type Unfinished = (typeof UNFINISHED)[number]

interface Deployment {
  deployment_name: string
  environment: string
}

export interface InFlight extends Deployment {
  deployment_id: string
  status: Unfinished
  count: number
}

type Ended = Deployment & Record<EndStatus, number>

/**
 * What is shown by deployment. People make deployments as they like, so the first ones to show something get series of
 * their own, and all others share one for each environment. A deployment that is deleted gives its place back, and one
 * that takes its name later begins at zero.
 */
export class DeploymentSeries {
  readonly #limit: number
  /** Those that have a name here, by their id. */
  readonly #named = new Map<string, Ended>()
  /** The rest, by environment. */
  readonly #others = new Map<string, Ended>()
  #inFlight = new Map<Ended, Record<Unfinished, number>>()

  constructor(limit = LIMIT) {
    this.#limit = limit
  }

  readonly ended: Metric = {
    name: 'agent_studio_executions_ended_total',
    type: 'counter',
    help: 'Executions that ended since the server started, in each final status.',
    labels: ['deployment_name', 'environment', 'status'],
    collect: (sample) => this.#collectEnded(sample),
  }

  readonly inFlight: Metric = {
    name: 'agent_studio_executions_in_flight',
    type: 'gauge',
    help: 'Executions that have not ended, in each status.',
    labels: ['deployment_name', 'environment', 'status'],
    collect: (sample) => this.#collectInFlight(sample),
  }

  countEnd(execution: MeteredExecution, status: EndStatus): void {
    if (isTest(execution)) return
    this.#seriesOf(execution)[status]++
  }

  /** The deployments that have series of their own. */
  get ids(): string[] {
    return [...this.#named.keys()]
  }

  /** The deployments are gone. What of them was still counted since is forgotten as well. */
  forget(deploymentIds: Iterable<string>): void {
    for (const id of deploymentIds) this.#named.delete(id)
  }

  /** Takes what is in flight at this moment. */
  showInFlight(executions: readonly InFlight[]): void {
    this.#inFlight = new Map()
    for (const execution of executions) {
      const series = this.#seriesOf(execution)
      const counts = this.#inFlight.get(series) ?? { queued: 0, running: 0, waiting: 0 }
      counts[execution.status] += execution.count
      this.#inFlight.set(series, counts)
    }
  }

  #seriesOf({ deployment_id, deployment_name, environment }: Omit<MeteredExecution, 'created_at'>): Ended {
    const known = this.#named.get(deployment_id) ?? (this.#named.size < this.#limit ? undefined : this.#others.get(environment))
    if (known) return known
    const isNamed = this.#named.size < this.#limit
    const series = { deployment_name: isNamed ? deployment_name : OTHERS, environment, completed: 0, failed: 0, cancelled: 0 }
    if (isNamed) this.#named.set(deployment_id, series)
    else this.#others.set(environment, series)
    return series
  }

  #collectEnded(sample: Sample): void {
    for (const series of this.#all()) {
      // Zero is shown as well: an alert on a rate misses the first of something that was not there before.
      for (const status of ENDED) {
        sample([series.deployment_name, series.environment, status], series[status])
      }
    }
  }

  #collectInFlight(sample: Sample): void {
    for (const series of this.#all()) {
      for (const status of UNFINISHED) {
        sample([series.deployment_name, series.environment, status], this.#inFlight.get(series)?.[status] ?? 0)
      }
    }
  }

  #all(): Ended[] {
    return [...this.#named.values(), ...this.#others.values()]
  }
}
