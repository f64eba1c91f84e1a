import { sql } from 'kysely'
import { defineCommand, type Db } from '../store/store.ts'
import type { FailureWebhookRow } from '../store/tables.ts'

/** Ended webhooks of a deployment that are kept to be looked at; older ones go. */
const KEPT = 1_000

/** The next one of each deployment, whenever that is: one deployment's receiver gets them one after the other. */
export async function nextWebhooks(db: Db): Promise<FailureWebhookRow[]> {
  // From deployment to deployment through the index: ten thousand that wait cost no more than the deployments that they are of.
  const { rows } = await sql<FailureWebhookRow>`
    with recursive waiting (id) as (
      select min(deployment_id) from failure_webhooks where status = 'pending'
      union all
      select (select min(deployment_id) from failure_webhooks where status = 'pending' and deployment_id > waiting.id)
      from waiting where id is not null)
    select w.* from waiting join failure_webhooks w on w.seq = (
      select x.seq from failure_webhooks x where x.status = 'pending' and x.deployment_id = waiting.id order by x.next_at, x.seq limit 1)
    where waiting.id is not null and exists (select 1 from deployments d where d.deployment_id = waiting.id)`.execute(db)
  return rows
}

/** Newest first. */
export function webhooksOf(db: Db, executionId: string): Promise<FailureWebhookRow[]> {
  return db.selectFrom('failure_webhooks').selectAll().where('execution_id', '=', executionId).orderBy('seq', 'desc').execute()
}

export interface WebhookTally {
  pending: number
  delivered: number
  given_up: number
  /** Not even tried, because too many waited. */
  dropped: number
}

/** Of a deployment: what waits, and what is still kept of those that have ended, each from its index. */
export async function tallyWebhooks(db: Db, deploymentId: string): Promise<WebhookTally> {
  const { rows } = await sql<{ status: FailureWebhookRow['status']; count: number }>`
    select 'pending' as status, count(*) as count from failure_webhooks where deployment_id = ${deploymentId} and status = 'pending'
    union all
    select status, count(*) from failure_webhooks where deployment_id = ${deploymentId} and status <> 'pending' group by status`.execute(db)
  const of = (status: FailureWebhookRow['status']): number => rows.find((row) => row.status === status)?.count ?? 0
  const dropped = await db.selectFrom('dropped_webhooks').select('count').where('deployment_id', '=', deploymentId).executeTakeFirst()
  return { pending: of('pending'), delivered: of('delivered'), given_up: of('given_up'), dropped: dropped?.count ?? 0 }
}

export interface TriedWebhook {
  seq: number
  deployment_id: string
  status: FailureWebhookRow['status']
  now: number
  /** When it is sent again; null once it has ended. */
  next_at: number | null
  /** Why it was not delivered, without anything secret. */
  error: string | null
}

/** Records an attempt. A process that dies before makes it again: it is delivered once at least. */
export const recordAttempt = defineCommand(
  'webhooks.attempt',
  async (db, { seq, deployment_id, status, now, next_at, error }: TriedWebhook): Promise<void> => {
    await db
      .updateTable('failure_webhooks')
      .set(({ eb }) => ({
        status,
        attempts: eb('attempts', '+', 1),
        next_at,
        ended_at: status === 'pending' ? null : now,
        last_error: error,
      }))
      .where('seq', '=', seq)
      .execute()
    if (status !== 'pending') await forgetOldest(db, deployment_id)
  },
)

async function forgetOldest(db: Db, deploymentId: string): Promise<void> {
  const oldest = await db
    .selectFrom('failure_webhooks')
    .select('seq')
    .where('deployment_id', '=', deploymentId)
    .where('status', '<>', 'pending')
    .orderBy('seq', 'desc')
    .limit(1)
    .offset(KEPT)
    .executeTakeFirst()
  if (!oldest) return
  await db
    .deleteFrom('failure_webhooks')
    .where('deployment_id', '=', deploymentId)
    .where('status', '<>', 'pending')
    .where('seq', '<=', oldest.seq)
    .execute()
}

export const webhookCommands = [recordAttempt]
