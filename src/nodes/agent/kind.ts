import type { StepKind } from '../../graph/step-kind.ts'

/** An agent that control reaches as a step. Its config is an agent's own; the graph plans it as it does those of `agents`. */
export const agentStep: StepKind = {
  kind: 'agent',
  title: 'Agent',
  description: 'An agent as a step: a registered one, named by `agent_type`, or one made of its config.',
  schema: { type: 'object', properties: { agent_type: { type: 'string' }, prompt: { type: 'string' }, system_prompt: { type: 'string' } } },
  compile() {
    throw new Error('an agent is planned, not compiled')
  },
}
