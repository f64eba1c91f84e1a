import type { AdmittedExecution } from './journal.ts'
import type { Outcome } from './outcome.ts'

/** How an execution was cancelled, as the journal has it. */
export interface Cancelled {
  execution_id: string
  at: number
  last_event_id: number
}

/** Decides which process runs an execution, and when. */
export interface Dispatcher {
  /** Whether an execution that is admitted now begins at once. */
  readonly hasRoom: boolean
  /** Runs an execution that was just admitted. Resolves when it has ended or this process lets go of it. */
  start(execution: AdmittedExecution): Promise<Outcome>
  /** Stops what runs of executions that the journal says are cancelled, and tells who watches. Resolves when their calls are aborted. */
  cancel(cancelled: readonly Cancelled[]): Promise<void>
  /** Somebody began to watch the execution's events. */
  watch(executionId: string): void
  /** Takes up what processes before this one left. */
  recover(): Promise<void>
  /** Lets executions end for so long, then leaves the others to a later process. Nothing starts any more. */
  drain(graceMs: number): Promise<void>
}
