import { DeploymentBusy, DeploymentRateLimited, type LimitState } from '../../errors.ts'
import { chargeRate, toLimitState, type Bucket, type RateLimit, type RateState } from '../../limits/rate.ts'
import type { SqliteConnection } from '../../store/sqlite/connection.ts'
import type { Concurrency, ExecutionIdentity } from '../journal.ts'

/**
 * The limits of deployments, decided in the transactions that they limit. What is in flight is counted in the rows
 * themselves, from their index, so it costs as much as there is in flight, and only deployments that have a limit.
 */

type Deployment = Pick<ExecutionIdentity, 'deployment_id' | 'deployment_name' | 'environment'>

const countOf = (condition: string): string => `
  select count(*) as count from (
    select 1 from executions where deployment_id = ? and ${condition} and ended_at is null limit ?)`
const countRunning = countOf(`status = 'running'`)
const countUnderWay = countOf(`status in ('queued', 'running')`)
/** Those that wait for their turn in a conversation, and so for no place. */
const countBehind = `
  select count(*) as count from executions where deployment_id = ? and status = 'queued' and session_turn < 1 and ended_at is null`

/** @returns whether one more execution may run at once @throws DeploymentBusy when no more may wait */
export function hasRoom(connection: SqliteConnection, deployment: Deployment, concurrency: Concurrency | undefined): boolean {
  if (!concurrency) return true
  const { limit, queue } = concurrency
  const underWay = count(connection, countUnderWay, deployment.deployment_id, limit + queue)
  if (underWay < limit) return true
  if (underWay < limit + queue) return false
  const behind = connection.prepare(countBehind).get(deployment.deployment_id)!['count'] as number
  if (behind > 0 && count(connection, countUnderWay, deployment.deployment_id, limit + queue + behind) < limit + queue + behind)
    return false
  const { deployment_id, deployment_name: name, environment } = deployment
  const reached: LimitState = { policy: 'deployment-concurrency', quota: limit, remaining: 0 }
  // Until somebody who knows says how long.
  throw new DeploymentBusy({ deployment_id, name, environment, queue, reached, retry_after: 1 })
}

/** Counts an execution that is admitted. @throws DeploymentRateLimited, and then nothing is counted */
export function charge(connection: SqliteConnection, deployment: Deployment, limit: RateLimit, now: number): RateState {
  const { deployment_id, deployment_name: name, environment } = deployment
  const used = connection.prepare('select full_at, each_ms from deployment_rates where deployment_id = ?').get(deployment_id)
  const { state, bucket } = chargeRate(limit, used as unknown as Bucket | undefined, now)
  if (!bucket) {
    throw new DeploymentRateLimited({ name, environment, reached: toLimitState('deployment', state), retry_after: state.reset })
  }
  connection
    .prepare(
      `insert into deployment_rates (deployment_id, full_at, each_ms) values (?, ?, ?)
       on conflict do update set full_at = excluded.full_at, each_ms = excluded.each_ms`,
    )
    .run(deployment_id, bucket.full_at, bucket.each_ms)
  return state
}

/** The limit is that of the release that is live now, whichever the execution runs on. */
const limitOfWaiting = `
  select e.deployment_id, json_extract(l.runtime_config, '$.concurrency.limit') as most
  from executions e
  join deployments d on d.deployment_id = e.deployment_id
  join releases l on l.deployment_id = d.deployment_id and l.number = d.live_release
  where e.execution_id = ? and e.ended_at is null and e.frozen = 0 and e.status <> 'running'`

/** Whether as many executions of its deployment run as may. One that had begun before has its place. */
export function isBeyondConcurrency(connection: SqliteConnection, executionId: string): boolean {
  const waiting = connection.prepare(limitOfWaiting).get(executionId) as { deployment_id: string; most: number | null } | undefined
  if (!waiting || waiting.most === null) return false
  return count(connection, countRunning, waiting.deployment_id, waiting.most) >= waiting.most
}

function count(connection: SqliteConnection, sql: string, deploymentId: string, most: number): number {
  return connection.prepare(sql).get(deploymentId, most)!['count'] as number
}
