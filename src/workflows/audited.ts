import { fromJson } from '../audit/difference.ts'
import { withoutKeys } from '../audit/without-keys.ts'
import { recordChange, type Change } from '../audit/repository.ts'
import type { Actor } from '../store/origin.ts'
import type { Db } from '../store/store.ts'
import type { WorkflowRow } from '../store/tables.ts'

/** Null where it was not there, or is gone. */
export interface WorkflowStates {
  before: WorkflowRow | null
  after: WorkflowRow | null
}

export function recordWorkflowChange(
  db: Db,
  actor: Actor,
  action: Change['action'],
  { before, after }: WorkflowStates,
  at: number,
): Promise<void> {
  const { workflow_id, name } = (after ?? before)!
  return recordChange(db, actor, {
    at,
    action,
    object: { id: workflow_id, name },
    before: before && stateOf(before),
    after: after && stateOf(after),
  })
}

function stateOf({ name, version, description, configuration, tags, created_by, is_active, is_editable, revision }: WorkflowRow) {
  return {
    name,
    version,
    description,
    configuration: withoutKeys(fromJson(configuration)),
    tags: tags === null ? null : fromJson(tags),
    created_by,
    is_active: is_active === 1,
    is_editable: is_editable === 1,
    revision,
  }
}
