import { toRegisteredAgent } from './agents/agent.ts'
import { insertExample } from './example-repository.ts'
import { canonicalForm, sha256 } from './graph/digest.ts'
import { resolveDefinition } from './graph/resolve.ts'
import type { AgentConfig } from './graph/definition.ts'
import { stepKinds } from './nodes/kinds.ts'
import type { Studio } from './studio.ts'
import { newWorkflow } from './workflows/new-workflow.ts'

/** The agents that a new database holds. Workflows override whatever they like of them. */
const agents: { name: string; agent_type: string; description: string; config: AgentConfig }[] = [
  {
    name: 'CommandAgent',
    agent_type: 'coordinator',
    description: 'Leads: understands what is asked, calls the agents it is connected to, and puts their answers together.',
    config: {
      system_prompt: 'You coordinate. Understand what is asked, call the agents you have for what they know, and give one clear answer.',
    },
  },
  {
    name: 'WebAgent',
    agent_type: 'web',
    description: 'Answers questions about web pages and what can be found on the web.',
    config: { system_prompt: 'You answer questions about web pages. Say what you do not know; never invent a source.' },
  },
  {
    name: 'DataAgent',
    agent_type: 'data',
    description: 'Answers questions about data: tables, figures, comparisons.',
    config: { system_prompt: 'You answer questions about data. Show how you come to a figure.' },
  },
  {
    name: 'APIAgent',
    agent_type: 'api',
    description: 'Answers questions about the APIs of other systems and what they return.',
    config: { system_prompt: 'You answer questions about APIs: which call, with what, and what its answer means.' },
  },
]

const workflow = {
  name: 'hello',
  description: 'The example that a new database comes with. It runs on the demo model, without any key.',
  configuration: {
    agents: [
      {
        agent_id: 'assistant',
        agent_type: 'CommandAgent',
        position: { x: 100, y: 100 },
        config: { model: 'demo/assistant', system_prompt: 'You welcome people to Agent Studio.' },
      },
    ],
    connections: [],
    metadata: { workflow_type: 'single_agent' },
  },
}

/** @returns whether the database was new */
export async function setUpExample({ store, clock, models, environments }: Studio): Promise<boolean> {
  const done = await store.read.selectFrom('meta').select('value').where('key', '=', 'example').executeTakeFirst()
  if (done) return false
  const now = clock.now()
  const agentRows = agents.map((agent) => ({
    ...agent,
    agent_id: clock.id(),
    config: JSON.stringify(agent.config),
    available_for_deployment: 1,
    created_at: now,
    updated_at: now,
  }))
  const row = newWorkflow(workflow, clock.id(), now)
  const { definition } = resolveDefinition(workflow.configuration, {
    agents: agentRows.map(toRegisteredAgent),
    defaultModel: models.default,
    resolveModel: (name) => models.resolve(name),
    kinds: stepKinds,
  })
  const canonical = canonicalForm(definition)
  return store.write(insertExample, {
    agents: agentRows,
    workflow: row,
    deploy: {
      name: 'hello',
      environment: environments.includes('development') ? 'development' : environments[0]!,
      deployed_by: null,
      runtime_config: undefined,
      force: false,
      workflow: row,
      definition_digest: sha256(canonical),
      definition: canonical,
      new_deployment_id: clock.id(),
      now,
    },
  })
}
