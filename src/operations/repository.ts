import { defineCommand, type Db } from '../store/store.ts'
import type { InFlight } from './deployment-series.ts'

/** What has not ended, by deployment and status. Read from the partial index of the unfinished alone, so history costs nothing. */
export async function countInFlight(db: Db): Promise<InFlight[]> {
  const rows = await db
    .with('unfinished', (cte) =>
      cte
        .selectFrom('executions')
        .select(({ fn }) => ['deployment_id', 'status', fn.countAll<number>().as('count')])
        .where('ended_at', 'is', null)
        .groupBy(['deployment_id', 'status']),
    )
    .selectFrom('unfinished')
    .innerJoin('deployments', 'deployments.deployment_id', 'unfinished.deployment_id')
    .select(['unfinished.deployment_id', 'deployments.name as deployment_name', 'deployments.environment', 'unfinished.status', 'count'])
    .execute()
  return rows as InFlight[]
}

/** Webhooks that wait, and those that were dropped. */
export async function countWebhooks(db: Db): Promise<{ pending: number; dropped: number }> {
  const waiting = db
    .selectFrom('failure_webhooks')
    .select(({ fn }) => fn.countAll<number>().as('n'))
    .where('status', '=', 'pending')
  const lost = db.selectFrom('dropped_webhooks').select(({ fn }) => fn.sum<number | null>('count').as('n'))
  const { n: pending } = await waiting.executeTakeFirstOrThrow()
  const { n: dropped } = await lost.executeTakeFirstOrThrow()
  return { pending, dropped: dropped ?? 0 }
}

/** Which of these deployments there still are. */
export async function findExisting(db: Db, deploymentIds: readonly string[]): Promise<Set<string>> {
  if (deploymentIds.length === 0) return new Set()
  const rows = await db.selectFrom('deployments').select('deployment_id').where('deployment_id', 'in', deploymentIds).execute()
  return new Set(rows.map((row) => row.deployment_id))
}

/** Writes something, so that it fails where nothing can be written. */
export const probeStorage = defineCommand('operations.probe', async (db, now: number): Promise<void> => {
  await db
    .insertInto('meta')
    .values({ key: 'probed_at', value: String(now) })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value: String(now) }))
    .execute()
})

export const operationCommands = [probeStorage]
