import type { AgentLimits } from './agent-limits.ts'

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
  /** The secret that its model is called with: `{{ secrets.NAME }}`. */
  api_key?: string
  /** The OpenAI-compatible server of its model, instead of a configured provider. */
  base_url?: string
  /** What it is asked, as a template; without it the query, and what the nodes before it gave. */
  prompt?: string
  /** Names of tools that are built in, and objects that describe others. */
  tools?: unknown[]
  /** On which calls of tools a person decides. */
  approval?: 'writes' | 'always' | 'never'
  /** Seconds. */
  approval_deadline?: number
  limits?: AgentLimits
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

/** A deterministic step, or one that reaches outside. */
export interface StepNode {
  step_id: string
  /** The canonical name of its kind. */
  step_type: string
  name?: unknown
  config: Record<string, unknown>
  /** Ids of nodes that come before it, as a connection would say. */
  dependencies?: string[]
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
  /** Left out where there are none, as in releases from before there were steps. */
  steps?: StepNode[]
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
