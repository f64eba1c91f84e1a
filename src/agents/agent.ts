import { toTimestamp } from '../clock.ts'
import type { AgentConfig, RegisteredAgent } from '../graph/definition.ts'
import type { AgentRow } from '../store/tables.ts'

/** An agent as the API shows it. */
export interface AgentView {
  agent_id: string
  name: string
  agent_type: string
  description: string | null
  config: AgentConfig
  available_for_deployment: boolean
  created_at: string
  updated_at: string
}

export function toAgentView(row: AgentRow): AgentView {
  return {
    agent_id: row.agent_id,
    name: row.name,
    agent_type: row.agent_type,
    description: row.description,
    config: JSON.parse(row.config),
    available_for_deployment: row.available_for_deployment === 1,
    created_at: toTimestamp(row.created_at),
    updated_at: toTimestamp(row.updated_at),
  }
}

export function toRegisteredAgent(row: AgentRow): RegisteredAgent {
  return {
    agent_id: row.agent_id,
    name: row.name,
    agent_type: row.agent_type,
    description: row.description,
    config: JSON.parse(row.config),
  }
}
