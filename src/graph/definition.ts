/**
 * The form of a workflow's `configuration`, as far as this server acts on it. A workflow may be saved unfinished and may
 * carry anything else besides, so nothing here is trusted before `checkDefinition` has found no problem.
 */

export interface AgentConfig {
  model?: string
  system_prompt?: string
  temperature?: number
  max_tokens?: number
  top_p?: number
  stop?: string[]
  max_retries?: number
  api?: 'chat' | 'responses'
  tools?: unknown[]
  [other: string]: unknown
}

export interface AgentNode {
  agent_id: string
  agent_type?: string
  name?: unknown
  description?: unknown
  config: AgentConfig
  [other: string]: unknown
}

export interface Connection {
  source_agent_id?: string
  target_agent_id?: string
  source_step_id?: string
  target_step_id?: string
  connection_type: string
  [other: string]: unknown
}

/**
 * A configuration with everything filled in that a run depends on: registered agents merged in, models named, the ends
 * of connections turned into node ids, canvas positions left out. It is what a release holds and what its digest covers.
 */
export interface Definition {
  agents: AgentNode[]
  connections: Connection[]
  [other: string]: unknown
}

/** A registered agent, as far as a definition takes from it. */
export interface RegisteredAgent {
  agent_id: string
  name: string
  agent_type: string
  description: string | null
  config: AgentConfig
  available_for_deployment: boolean
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The source or target of a connection, whichever of its two spellings is used. */
export function endOf(connection: Record<string, unknown>, end: 'source' | 'target'): { key: string; id: unknown } {
  const stepKey = `${end}_step_id`
  const key = connection[stepKey] === undefined || connection[stepKey] === null ? `${end}_agent_id` : stepKey
  return { key, id: connection[key] }
}
