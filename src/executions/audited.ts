import { findNewest, recordChange, type Change } from '../audit/repository.ts'
import { toTimestamp } from '../clock.ts'
import { canonicalForm } from '../graph/digest.ts'
import type { Actor } from '../store/origin.ts'
import type { Db } from '../store/store.ts'
import type { ExecutionRow } from '../store/tables.ts'

type Named = Pick<ExecutionRow, 'execution_id' | 'deployment_name' | 'environment'>

/** An execution has no name of its own: it is found by that of its deployment. */
export function recordExecutionChange(
  db: Db,
  actor: Actor,
  action: Change['action'],
  { execution_id, deployment_name, environment }: Named,
  states: Pick<Change, 'at' | 'before' | 'after'>,
): Promise<void> {
  return recordChange(db, actor, { action, object: { id: execution_id, name: deployment_name, environment }, ...states })
}

/**
 * One entry for all executions that a sweep removes because their time is over: it says what is removed, in the transaction
 * of the first of them, so that it is there also when the process ends in the middle.
 */
export async function recordSweep(db: Db, actor: Actor, { ended_before, now }: { ended_before: number; now: number }): Promise<void> {
  const after = { ended_before: toTimestamp(ended_before) }
  const newest = await findNewest(db, 'execution.expire')
  if (newest?.after === canonicalForm(after)) return
  await recordChange(db, actor, { at: now, action: 'execution.expire', object: { id: '' }, before: null, after })
}
