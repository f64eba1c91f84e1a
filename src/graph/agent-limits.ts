/** What an execution may have used before the agent begins its next call; without a value there is no limit. */
export interface AgentLimits {
  max_model_calls?: number
  max_tool_calls?: number
  max_tokens_total?: number
  /** US dollars. */
  max_cost?: number
}

/** Each with the most that can be said. */
export const LARGEST_LIMITS: Readonly<Record<keyof AgentLimits, number>> = {
  max_model_calls: 100_000,
  max_tool_calls: 100_000,
  max_tokens_total: 1_000_000_000,
  max_cost: 1_000_000,
}
