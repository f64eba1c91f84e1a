import { DeploymentBudgetUsed } from '../../errors.ts'
import type { SqliteConnection } from '../../store/sqlite/connection.ts'
import { DAY_MS, dayOf, findReached, type Budget, type BudgetUse, type DayUsage } from '../budget.ts'
import type { ExecutionIdentity } from '../journal.ts'

/** What deployments use in a day. Only those that have a budget for the day are counted, and asked about. */

const selectUsed = 'select tokens, cost from deployment_usage where deployment_id = ? and day = ?'

/** Days that are kept. */
const KEPT_DAYS = 31

const SECONDS_OF_DAY = DAY_MS / 1_000

/** Limits are told as whole numbers (draft-ietf-httpapi-ratelimit-headers-10 §3). */
const MILLIONTHS = 1_000_000

export function usedOn(connection: Pick<SqliteConnection, 'prepare'>, deploymentId: string, day: number): BudgetUse {
  return (connection.prepare(selectUsed).get(deploymentId, day) as unknown as BudgetUse | undefined) ?? { tokens: 0, cost: 0 }
}

type Deployment = Pick<ExecutionIdentity, 'deployment_id' | 'deployment_name' | 'environment'>

/** Whether an execution may begin today. @throws DeploymentBudgetUsed */
export function refuseUsedUp(connection: SqliteConnection, deployment: Deployment, budget: Budget | undefined, now: number): void {
  const bounds = budget?.per_day
  if (!bounds || bounds.on_exceeded === 'warn') return
  const { deployment_id, deployment_name: name, environment } = deployment
  const reached = findReached(bounds, usedOn(connection, deployment_id, dayOf(now)))
  if (!reached) return
  const { unit, allowed, used } = reached
  const retry_after = Math.max(1, Math.ceil(((dayOf(now) + 1) * DAY_MS - now) / 1_000))
  const quota = unit === 'tokens' ? allowed : Math.round(allowed * MILLIONTHS)
  const state = { policy: `deployment-budget-${unit}`, quota, window: SECONDS_OF_DAY, remaining: 0, reset: retry_after }
  throw new DeploymentBudgetUsed({ name, environment, unit, allowed, used, reached: state, retry_after })
}

/** In the transaction that records the steps which used it. */
export function countUsage(connection: SqliteConnection, deploymentId: string, { day, tokens, cost }: DayUsage): void {
  connection
    .prepare(
      `insert into deployment_usage (deployment_id, day, tokens, cost)
       select deployment_id, ?, ?, ? from deployments where deployment_id = ?
       on conflict do update set tokens = tokens + excluded.tokens, cost = cost + excluded.cost`,
    )
    .run(day, tokens, cost, deploymentId)
  connection.prepare('delete from deployment_usage where deployment_id = ? and day < ?').run(deploymentId, day - KEPT_DAYS)
}
