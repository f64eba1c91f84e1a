import { AgentLimit } from '../../errors.ts'
import type { NodeContext } from '../../engine/node-context.ts'
import type { Usage } from '../../engine/usage.ts'
import type { AgentLimits } from '../../graph/agent-limits.ts'
import type { PlannedAgent } from '../../graph/plan.ts'

/** An agent whose limits hold: the one at work, and those that it works for. */
export type Limited = Pick<PlannedAgent, 'id' | 'limits'>

const used: Record<keyof AgentLimits, (usage: Usage) => number | null> = {
  max_model_calls: (usage) => usage.calls('model'),
  max_tool_calls: (usage) => usage.calls('tool'),
  max_tokens_total: (usage) => usage.tokens.total,
  max_cost: (usage) => usage.cost,
}

const countedBy = {
  model: ['max_model_calls', 'max_tokens_total', 'max_cost'],
  tool: ['max_tool_calls'],
} as const satisfies Record<string, (keyof AgentLimits)[]>

/**
 * Counts a call before it begins. One that had begun before a restart was counted then, and is not asked about again.
 * @throws AgentLimit
 */
export function admitCall(kind: 'model' | 'tool', stepId: string, limited: readonly Limited[], { usage }: NodeContext): void {
  if (usage.hasBegun(kind, stepId)) return
  for (const { id: agent, limits } of limited) {
    for (const limit of countedBy[kind]) {
      const allowed = limits[limit]
      if (allowed === undefined) continue
      const so_far = used[limit](usage)
      // Where a price is not known nobody can say that it is not used up.
      if (so_far === null || so_far >= allowed) throw new AgentLimit({ agent, limit, allowed, used: so_far, step_id: stepId })
    }
  }
  usage.begin(kind, stepId)
}
