import type { Plan } from '../graph/plan.ts'
import type { Message } from '../models/model.ts'
import { runAgent } from '../nodes/agent/run-agent.ts'
import type { ExecutionRequest } from './journal.ts'
import type { NodeContext } from './node-context.ts'

/** Runs a plan. It knows steps and events, and nothing of databases or processes. @returns the execution's response */
export function runPlan(plan: Plan, request: ExecutionRequest, context: NodeContext): Promise<string> {
  const messages: Message[] = []
  // Not every provider takes a system message in the middle, so those of the history join the lead's instructions.
  const system = plan.lead.system === undefined ? [] : [plan.lead.system]
  for (const { role, content } of request.chat_history) {
    if (role === 'system') system.push(content)
    else messages.push({ role, text: content })
  }
  messages.push({ role: 'user', text: request.query })
  const lead = { ...plan.lead, system: system.length > 0 ? system.join('\n\n') : undefined }
  return runAgent(lead, { path: lead.id, messages, leads: true }, context)
}
