/** The rows of the database, as Kysely sees them. Times are milliseconds since 1970, booleans 0 or 1, objects JSON text. */

export interface Tables {
  meta: { key: string; value: string }
  workflows: WorkflowRow
  agents: AgentRow
  definitions: { definition_digest: string; definition: string }
  deployments: DeploymentRow
  deployment_counters: DeploymentCountersRow
  /** What deployments have used of their rate limits: when nothing of it is used any more, and the time that one execution takes to come back. */
  deployment_rates: { deployment_id: string; full_at: number; each_ms: number }
  releases: ReleaseRow
  routes: RouteRow
  route_changes: RouteChangeRow
  guards: GuardRow
  executions: ExecutionRow
  steps: StepRow
  events: EventsRow
  /** Deleted deployments whose executions are still there, and hidden. */
  purges: { deployment_id: string; requested_at: number }
  /** Executions that are gone but for their steps and events. */
  removed_executions: { execution_id: string }
  idempotency_keys: IdempotencyKeyRow
  signals: SignalRow
  api_keys: ApiKeyRow
  audit: AuditRow
  secrets: SecretRow
  variables: VariableRow
  /** Counts the changes of what an environment has. */
  environment_revisions: { environment: string; kind: 'secrets' | 'variables'; revision: number }
  definition_references: DefinitionReferenceRow
  deployment_holds: DeploymentHoldRow
  proposals: ProposalRow
  /** Executions that were run again, and as which. */
  reruns: { execution_id: string; rerun_id: string }
  deployment_stops: DeploymentStopRow
  /** What executions of deployments with a budget for the day have used, by days since 1970 in UTC. */
  deployment_usage: { deployment_id: string; day: number; tokens: number; cost: number }
  failure_webhooks: FailureWebhookRow
  /** How many webhooks of a deployment were not even tried, because too many waited. */
  dropped_webhooks: { deployment_id: string; count: number; last_at: number }
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
  /** The workflow of the live release; the workflow itself may be gone. */
  workflow_id: string
  last_release: number
  deployed_at: number
  deployed_by: string | null
  stopped_at: number | null
  /** The release with the largest part of the executions. */
  live_release: number
  /** JSON: how the executions are divided; null where all go to the live release and it has no tag. */
  traffic: string | null
  /** The number of the newest change of its routes. */
  route_change: number
}

/** Apart from `deployments`, so that the end of an execution never touches the row that admission reads. */
export interface DeploymentCountersRow {
  deployment_id: string
  execution_count: number
  error_count: number
  last_executed: number | null
  last_error: string | null
  /** Of those that ended; one that was removed since may still be named. */
  newest_execution_id: string | null
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
  /** None of its executions is newer, since no route leads to it; null while one does. */
  newest_execution_id: string | null
  /** What its maker says of it. */
  note: string | null
  made_by: 'deploy' | 'promotion' | 'runtime_config'
  /** JSON: the release whose definition it has, where it was not made of a workflow. */
  made_from: string | null
  /** The API key that it was made with; empty where there was none. */
  key_id: string
  key_name: string | null
  /** Where a second key approved it. */
  proposal_id: string | null
}

/** Which releases a deployment sends executions to; the percentages of one deployment add up to 100. */
export interface RouteRow {
  deployment_id: string
  release_number: number
  /** With up to two decimals. */
  percent: number
  tag: string | null
}

/** A change of the routes of a deployment, numbered 1, 2, 3… for each deployment. */
export interface RouteChangeRow {
  deployment_id: string
  number: number
  at: number
  /** `configure`: another runtime configuration. `guard`: by itself, because a bound was passed. */
  kind: 'deploy' | 'traffic' | 'rollback' | 'promote' | 'configure' | 'guard'
  by: string | null
  /** The API key; empty where there was none. */
  key_id: string
  reason: string | null
  /** JSON: routes, with their tags; null before the first. */
  before: string | null
  after: string
}

/** Watches a release that serves beside another. */
export interface GuardRow {
  deployment_id: string
  release_number: number
  /** The release that its part of the executions goes to when it passes a bound. */
  back_to: number
  /** JSON. */
  bounds: string
  /** JSON: of the executions that ended since it watches. */
  counts: string
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
  /** The API key that it was started with. */
  api_key_id: string | null
  /** The number of the change of routes that it was admitted under; null for one from before these were kept. */
  route_change: number | null
  /** That its release was chosen by, where there was a choice. */
  bucket: number | null
  /** JSON: the release or tag that the request asked for. */
  asked_route: string | null
  created_at: number
  /** When the current slice began; what ran before it, in other processes, is in `active_ms`. */
  slice_started_at: number | null
  started_at: number | null
  ended_at: number | null
  active_ms: number
  /** How much of that is of a wait that is not over. */
  booked_ms: number
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
  /** 0: it waits for its turn in a conversation; 1: it has it, or had. Null where it is part of none. */
  session_turn: 0 | 1 | null
  /** JSON: what was said before in the conversation, as it was when its turn came; null as long as that is not known. */
  remembered: string | null
  /** Of the execution by a notification of which it was begun. */
  parent_id: string | null
  /** JSON: what it runs of its workflow, and from what results; null: all of it. */
  notification: string | null
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
  /** US dollars; null where nobody knows. */
  cost: number | null
}

/** What was sent to an execution from outside; those of one name are counted from 1. */
export interface SignalRow {
  execution_id: string
  name: string
  seq: number
  /** JSON. */
  payload: string
  sent_at: number
  /** The API key, or who it was said to be. */
  sent_by: string | null
}

/** One row holds all events of one flush, in the order of their ids; `events` is what engine/event-codec.ts makes of them. */
export interface EventsRow {
  execution_id: string
  first_id: number
  last_id: number
  events: string
}

/** An API key. The row stays when it is revoked, since what was done with it names it. */
export interface ApiKeyRow {
  /** The public part, which the key begins with. */
  key_id: string
  name: string
  /** Hex: HMAC-SHA-256 of the whole key. */
  hash: string
  /** JSON array. */
  scopes: string
  /** JSON array; null for all of them. */
  environments: string | null
  /** Of deployment names, with `*` for any characters; null for all of them. */
  deployment_pattern: string | null
  /** JSON; null for none. */
  rate_limit: string | null
  /** Executions of it that may be queued or running; null for any number. */
  concurrency: number | null
  created_at: number
  /** The key that it was made with; null where none was. */
  created_by: string | null
  expires_at: number | null
  /** To the minute: it is not written at each use. */
  last_used_at: number | null
  revoked_at: number | null
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

/** An entry of the trail: one change of one object. It is never changed and never deleted. */
export interface AuditRow {
  /** 1, 2, 3… without a gap, in the order of the changes. */
  seq: number
  at: number
  /** The public part of the API key; empty where there was none. */
  actor_key_id: string
  actor_name: string | null
  actor_address: string | null
  action: string
  object_type: string
  object_id: string
  object_name: string | null
  environment: string | null
  /** JSON: what was there, as far as it has changed. */
  before: string | null
  /** JSON: what is there instead. */
  after: string | null
  /** The hash of the entry before. */
  previous_hash: string
  /** Of everything above; see audit/entry.ts. */
  hash: string
}

interface SettingRow {
  environment: string
  name: string
  /** Counts the values that it has had since it was made. */
  version: number
  created_at: number
  /** The name of the API key that it was made with; null where none was needed. */
  created_by: string | null
  updated_at: number
  updated_by: string | null
}

export interface SecretRow extends SettingRow {
  /** The key that it is sealed with. */
  key_id: string
  sealed: Uint8Array
}

export interface VariableRow extends SettingRow {
  value: string
}

/** What a definition refers to; written with it, and never changed. */
export interface DefinitionReferenceRow {
  definition_digest: string
  /** `provider_key`: a model of the definition is called with the key of that name, where the environment has one. */
  kind: 'secret' | 'provider_key' | 'variable'
  name: string
}

/** What the last stop of a deployment was asked for. Gone once the deployment serves again. */
export interface DeploymentStopRow {
  deployment_id: string
  mode: 'drain' | 'cancel' | 'freeze'
  since: number
  deadline_at: number | null
  /** When what was left at the deadline was cancelled. */
  deadline_passed_at: number | null
  /** Executions that the stop, or its deadline, has cancelled. */
  cancelled: number
}

/** A webhook that tells of a failed execution, from the transaction of its end on. */
export interface FailureWebhookRow {
  seq: number
  /** The same in every attempt; another one where the execution was resumed and fails again. */
  webhook_id: string
  execution_id: string
  deployment_id: string
  environment: string
  /** JSON: `on_failure` of the release. */
  receiver: string
  body: string
  status: 'pending' | 'delivered' | 'given_up'
  attempts: number
  created_at: number
  /** When it is sent, or sent again; null once it has ended. */
  next_at: number | null
  ended_at: number | null
  last_error: string | null
}

/** After a rollback, deploys that are marked as automated are refused until somebody lets them go on. */
export interface DeploymentHoldRow {
  deployment_id: string
  since: number
  by: string | null
  /** The API key; empty where there was none. */
  key_id: string
  reason: string | null
  /** JSON: the releases that were rolled back from. */
  from_releases: string
  to_release: number
}

/** A release that somebody wants to make in an environment where a second key has to approve it. */
export interface ProposalRow {
  /** They sort by time. */
  proposal_id: string
  kind: 'deploy' | 'promotion' | 'runtime_config'
  name: string
  environment: string
  /** A pending one may have expired. */
  status: 'pending' | 'approved' | 'rejected' | 'outdated'
  /** Of the release that it would be. */
  digest: string
  /** JSON: all that is needed to make the release; null once it was decided. */
  release: string | null
  /** JSON: what served when it was asked for, which is what it was compared with; null where nothing did. */
  base: string | null
  note: string | null
  /** JSON. */
  warnings: string
  requested_at: number
  requested_by: string | null
  /** The API key that asked for it. */
  key_id: string
  expires_at: number
  decided_at: number | null
  decided_by: string | null
  decided_by_key_id: string | null
  /** Of the decision. */
  reason: string | null
  /** The release that was made of it. */
  release_number: number | null
}
