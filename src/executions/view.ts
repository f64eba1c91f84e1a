import { toTimestamp, toTimestampOrNull } from '../clock.ts'
import { countTurns, withTurns } from '../engine/conversation.ts'
import { isTest } from '../engine/draft.ts'
import type { Attempt, AttemptError, ExecutionRequest, RuntimeConfig } from '../engine/journal.ts'
import type { ExecutionRow, StepRow } from '../store/tables.ts'
import type { RoutingView } from './routing-view.ts'
import type { ExecutionSummary } from './execution-filter.ts'
import type { WebhookView } from '../webhooks/view.ts'

interface Failure {
  code: string
  message: string
}

/** An execution in a list. */
export interface ExecutionSummaryView {
  execution_id: string
  deployment_id: string
  deployment_name: string
  environment: string
  workflow_id: string
  release: number
  status: ExecutionRow['status']
  session_id: string | null
  user_id: string | null
  created_at: string
  started_at: string | null
  ended_at: string | null
  error: Failure | null
  tokens: { input: number; output: number; total: number }
  demo: boolean
  /** It runs a draft. */
  test: boolean
  /** The execution that began it, by a notification. */
  parent_id: string | null
}

export function toSummaryView(row: ExecutionSummary): ExecutionSummaryView {
  return {
    execution_id: row.execution_id,
    deployment_id: row.deployment_id,
    deployment_name: row.deployment_name,
    environment: row.environment,
    workflow_id: row.workflow_id,
    release: row.release_number,
    status: row.status,
    session_id: row.session_id,
    user_id: row.user_id,
    created_at: toTimestamp(row.created_at),
    started_at: toTimestampOrNull(row.started_at),
    ended_at: toTimestampOrNull(row.ended_at),
    error: row.error === null ? null : toFailure(JSON.parse(row.error)),
    tokens: { input: row.input_tokens, output: row.output_tokens, total: row.input_tokens + row.output_tokens },
    demo: row.demo === 1,
    test: isTest(row),
    parent_id: row.parent_id,
  }
}

/** An execution by itself. */
export interface ExecutionView extends ExecutionSummaryView, ExecutionRequest {
  /** Of its session; they are in the history. */
  remembered_turns: number
  response: string | null
  /** The key that it was started with, as it is called; null where none was needed. */
  api_key: { key_id: string; name: string | null } | null
  runtime_config: RuntimeConfig
  /** How often a process ended while it ran this execution. */
  recoveries: number
  /** US dollars. */
  cost: number | null
  /** Where its release has somebody to tell of failures. */
  webhooks?: WebhookView[]
  /** Why it ran its release; null for one of a draft. */
  routing: RoutingView | null
}

export function toExecutionView(
  row: ExecutionRow,
  { api_key, cost, routing }: Pick<ExecutionView, 'api_key' | 'cost' | 'routing'>,
): ExecutionView {
  return {
    ...toSummaryView(row),
    ...withTurns(JSON.parse(row.request) as ExecutionRequest, row.remembered),
    remembered_turns: countTurns(row.remembered),
    response: row.response,
    api_key,
    runtime_config: JSON.parse(row.runtime_config),
    routing,
    recoveries: row.recoveries,
    cost,
  }
}

export interface StepView {
  step_id: string
  kind: string
  name: string
  status: StepRow['status']
  model: string | null
  attempts: { number: number; started_at: string; ended_at: string | null; error?: Failure }[]
  input: unknown
  output: unknown
  tokens: { input: number; output: number; total: number } | null
  cost: number | null
  demo: boolean
}

export function toStepView(row: StepRow): StepView {
  const demo = row.model?.startsWith('demo/') ?? false
  return {
    step_id: row.step_id,
    kind: row.kind,
    name: row.name,
    status: row.status,
    model: row.model,
    attempts: (JSON.parse(row.attempts) as Attempt[]).map(({ number, started_at, ended_at, error }) => ({
      number,
      started_at: toTimestamp(started_at),
      ended_at: toTimestampOrNull(ended_at),
      ...(error && { error: toFailure(error) }),
    })),
    input: row.input === null ? null : JSON.parse(row.input),
    output: row.output === null ? null : JSON.parse(row.output),
    tokens: toTokens(row),
    cost: row.cost ?? (demo ? 0 : null),
    demo,
  }
}

function toTokens({ input_tokens: input, output_tokens: output }: StepRow) {
  return input === null || output === null ? null : { input, output, total: input + output }
}

function toFailure({ code, message }: AttemptError): Failure {
  return { code, message }
}
