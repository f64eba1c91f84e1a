/** The lead asks the other agent once: three calls of models, each of which follows from the one before. */
export function teamOf(lead: string, member: string) {
  return {
    agents: [
      { agent_id: 'lead', config: { model: `openai/${lead}` } },
      { agent_id: 'b', config: { model: `openai/${member}` } },
    ],
    connections: [{ source_agent_id: 'lead', target_agent_id: 'b', connection_type: 'default' }],
  }
}

/** The same, as `deployAgents` takes it. */
export const team = [
  { agent_id: 'lead', config: { model: 'openai/team-lead' }, calls: ['b'] },
  { agent_id: 'b', config: { model: 'openai/team-member' } },
]

export const TEAM_STEPS = 3
