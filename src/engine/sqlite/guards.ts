import type { SqliteConnection } from '../../store/sqlite/connection.ts'
import { countEnd, judge, type Bounds, type Counts } from '../guard.ts'

const selectGuarded = `
  select e.deployment_id, e.release_number, e.active_ms, e.slice_started_at, g.bounds, g.counts
  from executions e join guards g on g.deployment_id = e.deployment_id and g.release_number = e.release_number
  where e.execution_id = ?`
const setCounts = 'update guards set counts = ? where deployment_id = ? and release_number = ?'
const costOf = 'select coalesce(sum(cost), 0) as cost from steps where execution_id = ?'

interface Guarded {
  deployment_id: string
  release_number: number
  /** What it ran before its last slice, and when that began. */
  active_ms: number
  slice_started_at: number | null
  bounds: string
  counts: string
}

/**
 * Counts the end of an execution whose release was drawn, in the transaction of that end, where somebody watches the release.
 * One that asked for its release or tag is somebody's try, and not counted.
 * @returns the deployment, if a bound is passed, now or before
 */
export function countForGuard(connection: SqliteConnection, execution_id: string, status: unknown, at: number): string | undefined {
  const guarded = connection.prepare(selectGuarded).get(execution_id) as unknown as Guarded | undefined
  if (!guarded) return undefined
  const { deployment_id, release_number, active_ms, slice_started_at } = guarded
  const bounds = JSON.parse(guarded.bounds) as Bounds
  const cost = bounds.max_cost === undefined ? 0 : (connection.prepare(costOf).get(execution_id)!['cost'] as number)
  const ended = { failed: status === 'failed', duration_ms: active_ms + at - (slice_started_at ?? at), cost }
  const counts = countEnd(JSON.parse(guarded.counts) as Counts, bounds, ended)
  connection.prepare(setCounts).run(JSON.stringify(counts), deployment_id, release_number)
  return judge(counts, bounds) && deployment_id
}
