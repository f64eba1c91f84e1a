import { toTimestamp } from '../../clock.ts'
import type { SqliteConnection } from '../../store/sqlite/connection.ts'
import type { AttemptError } from '../journal.ts'

/** Webhooks of a deployment that may wait to be sent. What comes beyond them is counted, and not sent. */
const MOST_PENDING = 1_000

/** Of a failure's message, which may quote what somebody else has answered. Characters. */
const MOST_MESSAGE = 2_000

const selectFailed = `
  select deployment_id, deployment_name, environment, workflow_id, release_number, session_id, user_id, created_at, started_at, ended_at,
    error, input_tokens, output_tokens, last_event_id, json_extract(runtime_config, '$.on_failure') as receiver
  from executions where execution_id = ? and json_extract(runtime_config, '$.on_failure') is not null`

interface Failed {
  deployment_id: string
  deployment_name: string
  environment: string
  workflow_id: string
  release_number: number
  session_id: string | null
  user_id: string | null
  created_at: number
  started_at: number | null
  ended_at: number
  error: string
  input_tokens: number
  output_tokens: number
  last_event_id: number
  receiver: string
}

/**
 * Records the webhook that tells of a failed execution, in the transaction of its end, so that it is sent whatever happens to the
 * process. What it says is what the execution recorded, in which secrets are hidden.
 */
export function noteFailure(connection: SqliteConnection, executionId: string): void {
  const failed = connection.prepare(selectFailed).get(executionId) as Failed | undefined
  if (!failed) return
  const { deployment_id, environment, receiver, ended_at, last_event_id } = failed
  if (countPending(connection, deployment_id) >= MOST_PENDING) return drop(connection, deployment_id, ended_at)
  // A resume takes the id of the end back, so the next end has another one.
  const webhook_id = `${executionId}-${last_event_id}`
  const body = bodyOf(executionId, failed)
  connection
    .prepare(
      `insert into failure_webhooks (webhook_id, execution_id, deployment_id, environment, receiver, body, status, attempts, created_at, next_at)
       values (?, ?, ?, ?, ?, ?, 'pending', 0, ?, ?)`,
    )
    .run(webhook_id, executionId, deployment_id, environment, receiver, body, ended_at, ended_at)
}

function countPending(connection: SqliteConnection, deploymentId: string): number {
  const sql = `select count(*) as n from (select 1 from failure_webhooks where deployment_id = ? and status = 'pending' limit ?)`
  return connection.prepare(sql).get(deploymentId, MOST_PENDING)!['n'] as number
}

function drop(connection: SqliteConnection, deploymentId: string, at: number): void {
  connection
    .prepare(
      `insert into dropped_webhooks (deployment_id, count, last_at) select deployment_id, 1, ? from deployments where deployment_id = ?
       on conflict do update set count = count + 1, last_at = excluded.last_at`,
    )
    .run(at, deploymentId)
}

function bodyOf(execution_id: string, failed: Failed): string {
  const { deployment_id, deployment_name, environment, workflow_id, release_number: release, session_id, user_id } = failed
  const { created_at, started_at, ended_at, input_tokens: input, output_tokens: output } = failed
  const { code, message } = JSON.parse(failed.error) as AttemptError
  const data = {
    execution_id,
    deployment_id,
    deployment_name,
    environment,
    workflow_id,
    release,
    session_id,
    user_id,
    status: 'failed',
    error: { code, message: message.slice(0, MOST_MESSAGE) },
    tokens: { input, output, total: input + output },
    created_at: toTimestamp(created_at),
    started_at: started_at === null ? null : toTimestamp(started_at),
    ended_at: toTimestamp(ended_at),
  }
  return JSON.stringify({ type: 'execution.failed', timestamp: toTimestamp(ended_at), data })
}
