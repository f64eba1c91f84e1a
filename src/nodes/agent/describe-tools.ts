import type { PlannedAgent } from '../../graph/plan.ts'
import type { ToolDescription } from '../../models/model.ts'

const taskParameters = {
  type: 'object',
  properties: { query: { type: 'string', description: 'What the agent should do or answer, with all it needs to know.' } },
  required: ['query'],
}

const handoffParameters = { type: 'object', properties: { reason: { type: 'string', description: 'Why.' } } }

const described = new WeakMap<PlannedAgent, readonly ToolDescription[]>()

/** What the model of an agent may call. Made once for each agent of a plan. */
export function describeTools(agent: PlannedAgent): readonly ToolDescription[] {
  const known = described.get(agent)
  if (known) return known
  const tools: ToolDescription[] = [...agent.tools].map(([name, { description }]) => ({ name, description, parameters: taskParameters }))
  for (const { name, description, parameters } of agent.ownTools.values()) tools.push({ name, description, parameters })
  for (const [name, { description }] of agent.handoffs) {
    tools.push({ name, description: `Hands the conversation over: ${description}`, parameters: handoffParameters })
  }
  described.set(agent, tools)
  return tools
}
