import { AgentNotFound } from '../errors.ts'
import { findAgent, findAgentByName } from '../agents/repository.ts'
import { toRegisteredAgent } from '../agents/agent.ts'
import type { WorkflowRow } from '../store/tables.ts'
import type { Studio } from '../studio.ts'
import { addToWorkflow, getWorkflow, updateWorkflow, type WorkflowChange } from './repository.ts'
import { toAgentView, toConnectionView, type WorkflowAgentView, type WorkflowConnectionView } from './view.ts'

type Part = Pick<Studio, 'store' | 'clock'>

export interface NewNode {
  agent_id: string
  node_id: string
  position_x?: number | undefined
  position_y?: number | undefined
  agent_config?: Record<string, unknown> | undefined
}

/**
 * Adds an agent to the configuration: a registered one, named by its id or its name.
 * @throws WorkflowNotFound, AgentNotFound, NodeExists, WorkflowNotEditable
 */
export async function addAgent({ store, clock }: Part, workflowId: string, node: NewNode): Promise<WorkflowAgentView> {
  await getWorkflow(store.read, workflowId)
  const agent = (await findAgent(store.read, node.agent_id)) ?? (await findAgentByName(store.read, node.agent_id))
  if (!agent) throw new AgentNotFound({ agent: node.agent_id })
  const item = {
    agent_id: node.node_id,
    agent_type: agent.name,
    position: { x: node.position_x ?? 0, y: node.position_y ?? 0 },
    config: node.agent_config ?? {},
  }
  await store.write(addToWorkflow, { workflow_id: workflowId, list: 'agents', item, now: clock.now() })
  return toAgentView(workflowId, item, [toRegisteredAgent(agent)])
}

/**
 * Adds a connection to the configuration. Its ends need not be there yet; a deploy checks them.
 * @throws WorkflowNotFound, WorkflowNotEditable
 */
export async function addConnection(
  { store, clock }: Part,
  workflowId: string,
  item: Record<string, unknown>,
): Promise<WorkflowConnectionView> {
  await store.write(addToWorkflow, { workflow_id: workflowId, list: 'connections', item, now: clock.now() })
  return toConnectionView(workflowId, item)
}

/** Changes only what is given. @throws WorkflowNotFound, WorkflowExists, WorkflowNotEditable */
export function changeWorkflow({ store, clock }: Part, workflowId: string, changes: WorkflowChange['changes']): Promise<WorkflowRow> {
  return store.write(updateWorkflow, { workflow_id: workflowId, changes: { ...changes, updated_at: clock.now() } })
}
