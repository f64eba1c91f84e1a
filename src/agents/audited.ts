import { recordChange, type Change } from '../audit/repository.ts'
import { fromJson } from '../audit/difference.ts'
import { withoutKeys } from '../audit/without-keys.ts'
import type { Actor } from '../store/origin.ts'
import type { Db } from '../store/store.ts'
import type { AgentRow } from '../store/tables.ts'

/** Null where it was not there, or is gone. */
export interface AgentStates {
  before: AgentRow | null
  after: AgentRow | null
}

export function recordAgentChange(
  db: Db,
  actor: Actor,
  action: Change['action'],
  { before, after }: AgentStates,
  at: number,
): Promise<void> {
  const { agent_id, name } = (after ?? before)!
  return recordChange(db, actor, {
    at,
    action,
    object: { id: agent_id, name },
    before: before && stateOf(before),
    after: after && stateOf(after),
  })
}

function stateOf({ name, agent_type, description, config, available_for_deployment }: AgentRow) {
  return { name, agent_type, description, config: withoutKeys(fromJson(config)), available_for_deployment: available_for_deployment === 1 }
}
