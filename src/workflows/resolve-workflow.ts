import { allAgents } from '../agents/repository.ts'
import { toRegisteredAgent } from '../agents/agent.ts'
import { resolveDefinition, type Resolution } from '../graph/resolve.ts'
import type { WorkflowRow } from '../store/tables.ts'
import type { Studio } from '../studio.ts'

/** Checks a workflow and fills in what it takes from the registered agents and the model providers of this server. */
export async function resolveWorkflow({ store, models }: Pick<Studio, 'store' | 'models'>, workflow: WorkflowRow): Promise<Resolution> {
  const agents = await allAgents(store.read)
  return resolveDefinition(JSON.parse(workflow.configuration), {
    agents: agents.map(toRegisteredAgent),
    defaultModel: models.default,
    resolveModel: (name) => models.resolve(name),
  })
}
