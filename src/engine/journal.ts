import type { SerializedError } from '../errors.ts'
import type { Tokens } from '../models/model.ts'
import type { EventsRow, ExecutionRow, StepRow } from '../store/tables.ts'

/** `timeout` in seconds for the whole execution, `max_retries` for each step. */
export interface RuntimeConfig {
  timeout: number
  max_retries: number
}

/** What an execution was asked; recorded with it, so that a later process can go on. */
export interface ExecutionRequest {
  query: string
  chat_history: { role: 'user' | 'assistant' | 'system'; content: string }[]
  input?: unknown
}

export type AdmissionTarget = { deployment_name: string; workflow_id?: string } | { workflow_id: string }

export interface Admission {
  execution_id: string
  target: AdmissionTarget
  /** Where to look, in this order; the first that has an active deployment takes the execution. */
  environments: readonly string[]
  request: ExecutionRequest
  runtime_overrides: Partial<RuntimeConfig>
  session_id: string | null
  user_id: string | null
  /** `queued` when there is no room to run it at once. */
  status: 'queued' | 'running'
  now: number
}

/** Which execution it is, and what it runs. */
export type ExecutionIdentity = Pick<
  ExecutionRow,
  'execution_id' | 'deployment_id' | 'deployment_name' | 'environment' | 'workflow_id' | 'release_number' | 'definition_digest'
>

/** An execution as its slices see it: it stays on this release until it ends. */
export interface AdmittedExecution extends ExecutionIdentity {
  runtime_config: RuntimeConfig
  request: ExecutionRequest
  created_at: number
  status: 'queued' | 'running'
}

/** An execution that a process left: what is known of it, and what it had used of its timeout. */
export interface UnfinishedExecution {
  execution: AdmittedExecution
  active_ms: number
  last_event_id: number
  steps: StepRow[]
  events: RecordedEvent[]
}

export interface Attempt {
  number: number
  started_at: number
  ended_at: number | null
  error?: AttemptError
  /** When it failed and is retried: not before this time, also in a later process. */
  retry_at?: number
  /** Of the first attempt on record: one before it may have begun that a crash left no trace of. */
  presumed_crash?: true
}

export interface AttemptError extends SerializedError {
  message: string
}

/** An event without what is the same for all events of its execution. `at` is in milliseconds since 1970. */
export interface RecordedEvent {
  id: number
  at: number
  type: string
  [data: string]: unknown
}

/** How a slice ends its execution. A cancel is no slice's to write. */
export interface ExecutionEnd {
  status: 'completed' | 'failed'
  at: number
  response: string | null
  error: AttemptError | null
  tokens: Tokens
  demo: boolean
  last_event_id: number
}

/** Written as a whole or not at all. */
export interface JournalEntry {
  execution_id: string
  /** Set when a queued execution begins to run. */
  started_at?: number
  /** The newest state of each step; replaces what was recorded of it. */
  steps: StepRow[]
  events: EventsRow | null
  end?: ExecutionEnd
}

/**
 * What is written of executions. The engine's promises P1 to P3 and P5 rest on it: what it has resolved is on disk.
 */
export interface Journal {
  /**
   * Decides in one transaction whether there is an active deployment, and on which release the execution runs.
   * @throws DeploymentNotFound, DeploymentInactive, WorkflowNotDeployed
   */
  admit(admission: Admission): Promise<AdmittedExecution>
  /** False, and nothing is written, when the execution has ended already: an execution ends once. */
  append(entry: JournalEntry): Promise<boolean>
  /** The ids of the executions that no process has ended, oldest first. */
  unfinished(): string[]
  /** Counts the recovery, begins a new slice and gives what is recorded; undefined when it has ended meanwhile. */
  recover(execution_id: string, now: number): Promise<UnfinishedExecution | undefined>
  /** The definition that a release runs, as JSON text. */
  definition(definition_digest: string): string | undefined
}
