import type { Reach } from '../access/caller.ts'
import type { ExecutionRow, ExecutionStatus } from '../store/tables.ts'

/** What a list of executions is asked for. */
export interface ExecutionFilter {
  /** What of the environments and the names of deployments whoever asks can see. Absent: all of it. */
  reach?: Reach | undefined
  deployment_name?: string | undefined
  environment?: string | undefined
  workflow_id?: string | undefined
  status?: ExecutionStatus | undefined
  release?: number | undefined
  session_id?: string | undefined
  /** Whether they run drafts. */
  test?: boolean | undefined
  /** Accepted at this time or later, and before that one; in milliseconds since 1970. */
  from?: number | undefined
  to?: number | undefined
  /** Older than this execution. */
  before?: string | undefined
  limit: number
}

/** What a list shows of an execution. */
export const summaryColumns = [
  'execution_id',
  'deployment_id',
  'deployment_name',
  'environment',
  'workflow_id',
  'release_number',
  'status',
  'session_id',
  'user_id',
  'created_at',
  'started_at',
  'ended_at',
  'error',
  'input_tokens',
  'output_tokens',
  'demo',
  'parent_id',
] as const

export type ExecutionSummary = Pick<ExecutionRow, (typeof summaryColumns)[number]>

/** Ids from the first on, before the second. */
export interface Range {
  first: string
  before: string
}

export const IN_FLIGHT: readonly string[] = ['queued', 'running', 'waiting'] satisfies ExecutionStatus[]
