import type { AdmittedExecution } from './journal.ts'
import type { StepSpec } from './node-context.ts'

/** What is needed of an execution to count its end. `created_at` is when it was admitted. */
export type MeteredExecution = Pick<AdmittedExecution, 'deployment_id' | 'deployment_name' | 'environment' | 'created_at'>

export type EndStatus = 'completed' | 'failed' | 'cancelled'

export interface EndedStep {
  kind: StepSpec['kind']
  status: EndStatus
  /** From the start of the first attempt, with the waits between attempts. */
  durationMs: number
  /** Of a step that calls a model: whose it is, and what it used as far as the provider said. */
  provider?: string | undefined
  tokens?: { input: number; output: number } | undefined
}

/**
 * What the engine tells of itself, for whoever counts it. It is told on the hot path, so an implementation only adds to
 * numbers in memory: it takes less than a microsecond, never waits and never throws.
 */
export interface Meter {
  /** An execution has ended and its end is on disk. @param at milliseconds since 1970 */
  executionEnded(execution: MeteredExecution, status: EndStatus, at: number): void
  /** A step has ended in this process: one whose recorded result is only given again is not told. */
  stepEnded(step: EndedStep): void
  /** An attempt has failed and another follows. */
  stepRetried(kind: StepSpec['kind']): void
}

/** For tests, and for whatever runs without anybody who counts. */
export const silentMeter: Meter = {
  executionEnded: () => undefined,
  stepEnded: () => undefined,
  stepRetried: () => undefined,
}
