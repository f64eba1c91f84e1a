import type { Db } from '../store/store.ts'
import type { ExecutionStatus } from '../store/tables.ts'
import type { Ends } from './healthy-release.ts'

/** Executions that are counted of each status: half a millisecond. */
const MOST_COUNTED = 10_000

/** How executions of a release ended; of more than are counted, at least so many. */
export async function countEnds(db: Db, deploymentId: string, release: number): Promise<Ends> {
  return {
    completed: await count(db, deploymentId, release, 'completed'),
    failed: await count(db, deploymentId, release, 'failed'),
  }
}

const STATUSES: readonly ExecutionStatus[] = ['queued', 'running', 'waiting', 'completed', 'failed', 'cancelled']

export async function countEachStatus(db: Db, deploymentId: string, release: number): Promise<Record<ExecutionStatus, number>> {
  const counts: [ExecutionStatus, number][] = []
  for (const status of STATUSES) counts.push([status, await count(db, deploymentId, release, status)])
  return Object.fromEntries(counts) as Record<ExecutionStatus, number>
}

async function count(db: Db, deploymentId: string, release: number, status: ExecutionStatus): Promise<number> {
  const hasEnded = status === 'completed' || status === 'failed' || status === 'cancelled'
  const { count: counted } = await db
    .selectFrom((eb) =>
      eb
        .selectFrom('executions')
        .select('execution_id')
        .where('status', '=', status)
        .where('deployment_id', '=', deploymentId)
        .where('release_number', '=', release)
        .where('ended_at', hasEnded ? 'is not' : 'is', null)
        .limit(MOST_COUNTED)
        .as('counted'),
    )
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return counted
}
