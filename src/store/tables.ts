/** The rows of the database, as Kysely sees them. Times are milliseconds since 1970, booleans 0 or 1, objects JSON text. */

export interface Tables {
  meta: { key: string; value: string }
  workflows: WorkflowRow
  agents: AgentRow
  definitions: { definition_digest: string; definition: string }
  deployments: DeploymentRow
  deployment_counters: DeploymentCountersRow
  releases: ReleaseRow
  routes: RouteRow
  executions: ExecutionRow
  steps: StepRow
  events: EventsRow
  /** Deleted deployments whose executions are still there, and hidden. */
  purges: { deployment_id: string; requested_at: number }
  /** Executions that are gone but for their steps and events. */
  removed_executions: { execution_id: string }
  idempotency_keys: IdempotencyKeyRow
}

export interface WorkflowRow {
  workflow_id: string
  name: string
  version: string
  description: string | null
  configuration: string
  tags: string | null
  created_by: string | null
  is_active: number
  is_editable: number
  /** Counts the changes, so that a deploy can tell whether it read what it is about to release. */
  revision: number
  created_at: number
  updated_at: number
}

export interface AgentRow {
  agent_id: string
  name: string
  agent_type: string
  description: string | null
  config: string
  available_for_deployment: number
  created_at: number
  updated_at: number
}

export interface DeploymentRow {
  deployment_id: string
  name: string
  environment: string
  status: 'active' | 'inactive'
  /** The workflow of the newest release; the workflow itself may be gone. */
  workflow_id: string
  last_release: number
  deployed_at: number
  deployed_by: string | null
  stopped_at: number | null
}

/** Apart from `deployments`, so that the end of an execution never touches the row that admission reads. */
export interface DeploymentCountersRow {
  deployment_id: string
  execution_count: number
  error_count: number
  last_executed: number | null
  last_error: string | null
}

export interface ReleaseRow {
  deployment_id: string
  number: number
  digest: string
  definition_digest: string
  runtime_config: string
  workflow_id: string
  /** The workflow's own words at the time, since a release outlives its workflow. */
  workflow_name: string
  workflow_version: string
  workflow_description: string | null
  created_at: number
  created_by: string | null
}

/** Which releases a deployment sends executions to; the percentages of one deployment add up to 100. */
export interface RouteRow {
  deployment_id: string
  release_number: number
  percent: number
}

export type ExecutionStatus = 'queued' | 'running' | 'waiting' | 'completed' | 'failed' | 'cancelled'

export interface ExecutionRow {
  execution_id: string
  deployment_id: string
  deployment_name: string
  environment: string
  workflow_id: string
  release_number: number
  definition_digest: string
  runtime_config: string
  status: ExecutionStatus
  request: string
  session_id: string | null
  user_id: string | null
  created_at: number
  /** When the current slice began; what ran before it, in other processes, is in `active_ms`. */
  slice_started_at: number | null
  started_at: number | null
  ended_at: number | null
  active_ms: number
  /** How often a process died while it ran this execution. */
  recoveries: number
  last_event_id: number
  /** 1: it rests before its next step until its deployment is reactivated. */
  frozen: number
  /** When an execution that rests goes on by itself. */
  wake_at: number | null
  response: string | null
  error: string | null
  input_tokens: number
  output_tokens: number
  demo: number
}

export interface StepRow {
  execution_id: string
  step_id: string
  /** The order in which the steps of an execution began. */
  position: number
  kind: string
  name: string
  status: 'running' | 'completed' | 'failed' | 'cancelled'
  /** JSON array of attempts. */
  attempts: string
  input: string | null
  output: string | null
  model: string | null
  input_tokens: number | null
  output_tokens: number | null
}

/** One row holds all events of one flush, in the order of their ids; `events` is what engine/event-codec.ts makes of them. */
export interface EventsRow {
  execution_id: string
  first_id: number
  last_id: number
  events: string
}

/** A POST that was given an `Idempotency-Key`, and what became of it. */
export interface IdempotencyKeyRow {
  /** The API key that it was sent with; empty where none is needed. */
  caller: string
  method: string
  path: string
  key: string
  /** Of body and query: the same key with another one is a mistake. */
  fingerprint: string
  created_at: number
  /** The execution that it admitted. */
  execution_id: string | null
  /** JSON: what its change of state resulted in. */
  result: string | null
  /** JSON: status, headers and body, once it was answered. */
  answer: string | null
}
