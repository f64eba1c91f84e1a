import type { EndedStep, EndStatus, Meter, MeteredExecution } from '../engine/meter.ts'
import { Counter } from './counter.ts'
import { DeploymentSeries } from './deployment-series.ts'
import { Histogram } from './histogram.ts'
import type { Metric } from './metric.ts'

/** Executions take from a millisecond to days, so the bounds are far apart. Seconds. */
const EXECUTION_BOUNDS = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200]
const STEP_BOUNDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

/** Counts what the engine tells. */
export class EngineMetrics implements Meter {
  readonly #durations = new Histogram(
    'agent_studio_execution_duration_seconds',
    'How long executions took from their admission to their end, with everything that they waited for.',
    EXECUTION_BOUNDS,
    ['environment', 'status'],
  )
  readonly #steps = new Histogram(
    'agent_studio_step_duration_seconds',
    'How long steps took from the start of their first attempt to their end.',
    STEP_BOUNDS,
    ['kind', 'status'],
  )
  readonly #retries = new Counter('agent_studio_step_retries_total', 'Attempts of steps that failed and were followed by another.', [
    'kind',
  ])
  readonly #tokens = new Counter('agent_studio_tokens_total', 'Tokens that model calls used, as far as their providers said.', [
    'provider',
    'direction',
  ])
  readonly #series: DeploymentSeries

  constructor(series: DeploymentSeries) {
    this.#series = series
  }

  get metrics(): Metric[] {
    return [this.#series.ended, this.#series.inFlight, this.#durations, this.#steps, this.#retries, this.#tokens]
  }

  executionEnded(execution: MeteredExecution, status: EndStatus, at: number): void {
    this.#series.countEnd(execution, status)
    // The clock may have been set back meanwhile.
    this.#durations.observe(Math.max(0, at - execution.created_at) / 1_000, execution.environment, status)
  }

  stepEnded({ kind, status, durationMs, provider, tokens }: EndedStep): void {
    this.#steps.observe(Math.max(0, durationMs) / 1_000, kind, status)
    if (provider === undefined || !tokens) return
    this.#tokens.add(tokens.input, provider, 'input')
    this.#tokens.add(tokens.output, provider, 'output')
  }

  stepRetried(kind: EndedStep['kind']): void {
    this.#retries.add(1, kind)
  }
}
