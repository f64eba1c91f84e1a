import { toTimestamp } from '../clock.ts'
import type { RegisteredAgent } from '../graph/definition.ts'
import type { AgentRow } from '../store/tables.ts'

/** An agent as the API shows it. */
export interface AgentView extends RegisteredAgent {
  created_at: string
  updated_at: string
}

export function toAgentView(row: AgentRow): AgentView {
  return { ...toRegisteredAgent(row), created_at: toTimestamp(row.created_at), updated_at: toTimestamp(row.updated_at) }
}

export function toRegisteredAgent(row: AgentRow): RegisteredAgent {
  return {
    agent_id: row.agent_id,
    name: row.name,
    agent_type: row.agent_type,
    description: row.description,
    config: JSON.parse(row.config),
    available_for_deployment: row.available_for_deployment === 1,
  }
}
