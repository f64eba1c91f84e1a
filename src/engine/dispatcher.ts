import type { Admission, AdmittedExecution } from './journal.ts'
import type { MeteredExecution } from './meter.ts'
import type { Outcome } from './outcome.ts'

/** How an execution was cancelled, as the journal has it. */
export interface Cancelled extends MeteredExecution {
  execution_id: string
  at: number
  last_event_id: number
  /** Null where it was part of no conversation. */
  session_turn: 0 | 1 | null
}

/** Whether the execution begins at once is the dispatcher's to say. */
export interface AdmissionRequest extends Omit<Admission, 'status'> {
  /** How many executions its API key may have queued or running; undefined and null: as many as there is room for. */
  key_concurrency?: number | null
}

/** Decides which process runs an execution, and when. */
export interface Dispatcher {
  /** Executions that run in this process, or are about to. */
  readonly running: number
  /**
   * Decides in one transaction whether there is an active deployment, and on which release the execution runs.
   * @throws DeploymentNotFound, DeploymentInactive, WorkflowNotDeployed, DeploymentRateLimited, DeploymentBusy, ConversationBusy, KeyBusy,
   *   IdempotencyKeyReused, IdempotencyInProgress
   */
  admit(request: AdmissionRequest): Promise<AdmittedExecution>
  /** Whether as many executions wait as can be held, so that no more should be admitted. */
  readonly isFull: boolean
  /**
   * Runs an execution that was just admitted. Resolves when it has ended, in however many slices, or this process lets go
   * of it.
   */
  start(execution: AdmittedExecution): Promise<Outcome>
  /**
   * Something was decided about these executions in the journal: a freeze, its end, a resume. What holds now is looked up,
   * since word of two decisions may come in another order than they were made in.
   */
  heed(executionIds: readonly string[]): void
  /** The deployment serves another release, which may have another concurrency. What runs goes on; what waits may begin. */
  heedDeployment(deploymentId: string): void
  /** Stops what runs of executions that the journal says are cancelled, and tells who watches. Resolves when their calls are aborted. */
  cancel(cancelled: readonly Cancelled[]): Promise<void>
  /** Executions of the deployment that run in this process, or are just beginning or ending there. */
  atWork(deploymentId: string): number
  /** Somebody began to watch the execution's events. */
  watch(executionId: string): void
  /** Takes up what processes before this one left, as there is room. Resolves when that is known. */
  recover(): Promise<void>
  /** Lets executions end for so long, then leaves the others to a later process. Nothing starts any more. */
  drain(graceMs: number): Promise<void>
}
