import { toTimestamp } from '../clock.ts'
import { listExecutions } from '../executions/list-repository.ts'
import type { Db } from '../store/store.ts'
import type { ExecutionStatus } from '../store/tables.ts'
import { countEachStatus } from './ends-repository.ts'
import type { DeploymentRecord } from './repository.ts'

/** What a release had to do with. */
export interface Touched {
  release: number
  counts: Record<ExecutionStatus, number>
  executions: { execution_id: string; status: ExecutionStatus; created_at: string }[]
  all: string
}

/** Executions that are shown of each release. */
const NEWEST = 50

/** A few milliseconds for each release, however many executions it had. */
export async function touchedBy(
  db: Db,
  { deployment_id, name: deployment_name, environment }: DeploymentRecord,
  releases: readonly number[],
): Promise<Touched[]> {
  const touched: Touched[] = []
  for (const release of releases) {
    const rows = await listExecutions(db, { deployment_name, environment, release, limit: NEWEST })
    touched.push({
      release,
      counts: await countEachStatus(db, deployment_id, release),
      executions: rows.map(({ execution_id, status, created_at }) => ({ execution_id, status, created_at: toTimestamp(created_at) })),
      all: `/api/executions?${new URLSearchParams({ deployment_name, environment, release: String(release) }).toString()}`,
    })
  }
  return touched
}
