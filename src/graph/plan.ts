import type { ModelSettings } from '../models/model.ts'
import type { AgentNode, Definition } from './definition.ts'
import { findLeads } from './shape.ts'

/** An agent, ready to run. */
export interface PlannedAgent {
  id: string
  /** For people and for the models that may call it. */
  name: string
  description: string
  model: string
  system: string | undefined
  settings: ModelSettings
  api: 'chat' | 'responses' | undefined
  /** Counts where it is lower than the runtime configuration's. */
  maxRetries: number | undefined
  /** The agents that it may call as tools, by the name that the model calls them by. */
  tools: ReadonlyMap<string, PlannedAgent>
}

/** What the interpreter runs: immutable, made once for each definition. */
export interface Plan {
  lead: PlannedAgent
}

/** @param definition without problems; from a release it always is */
export function compilePlan(definition: Definition): Plan {
  const planned = new Map(definition.agents.map((node) => [node.agent_id, planAgent(node)]))
  const connected = new Set<string>()
  for (const { source_agent_id: source, target_agent_id: target } of definition.connections) {
    const connection = JSON.stringify([source, target])
    if (connected.has(connection)) continue
    connected.add(connection)
    const tools = planned.get(source!)!.tools as Map<string, PlannedAgent>
    const agent = planned.get(target!)!
    tools.set(nameTool(agent, tools), agent)
  }
  return { lead: planned.get(findLeads(definition.agents, definition.connections)[0]!)! }
}

function planAgent(node: AgentNode): PlannedAgent {
  const { config } = node
  const name = typeof node.name === 'string' && node.name ? node.name : node.agent_id
  return {
    id: node.agent_id,
    name,
    description:
      typeof node.description === 'string' && node.description ? node.description : `Asks the agent '${name}', which answers in text.`,
    model: config.model!,
    system: config.system_prompt,
    settings: {
      ...(config.temperature !== undefined && { temperature: config.temperature }),
      ...(config.max_tokens !== undefined && { max_tokens: config.max_tokens }),
      ...(config.top_p !== undefined && { top_p: config.top_p }),
      ...(config.stop !== undefined && { stop: config.stop }),
    },
    api: config.api,
    maxRetries: config.max_retries,
    tools: new Map(),
  }
}

/** Providers allow letters, digits, `_` and `-`, at most 64 of them, in the name of a tool. */
function nameTool(agent: PlannedAgent, taken: ReadonlyMap<string, unknown>): string {
  const base = agent.id.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 60)
  for (let number = 1; ; number++) {
    const name = number === 1 ? base : `${base}_${number}`
    if (!taken.has(name)) return name
  }
}
