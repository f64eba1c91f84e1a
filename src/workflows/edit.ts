import { toRegisteredAgent } from '../agents/agent.ts'
import type { Origin } from '../store/origin.ts'
import type { WorkflowRow } from '../store/tables.ts'
import type { Studio } from '../studio.ts'
import { addAgentToWorkflow, addToWorkflow, updateWorkflow, type NewNode, type WorkflowChange } from './repository.ts'
import { toAgentView, toConnectionView, type WorkflowAgentView, type WorkflowConnectionView } from './view.ts'

type Part = Pick<Studio, 'store' | 'clock'>

/**
 * Adds an agent to the configuration: a registered one, named by its id or its name.
 * @throws WorkflowNotFound, AgentNotFound, NodeExists, WorkflowNotEditable
 */
export async function addAgent({ store, clock }: Part, workflowId: string, node: NewNode, origin?: Origin): Promise<WorkflowAgentView> {
  const { item, agent } = await store.write(addAgentToWorkflow, { workflow_id: workflowId, node, now: clock.now() }, origin)
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
  origin?: Origin,
): Promise<WorkflowConnectionView> {
  await store.write(addToWorkflow, { workflow_id: workflowId, list: 'connections', item, now: clock.now() }, origin)
  return toConnectionView(workflowId, item)
}

/** Changes only what is given. @throws WorkflowNotFound, WorkflowExists, WorkflowNotEditable */
export function changeWorkflow(
  { store, clock }: Part,
  workflowId: string,
  changes: Omit<WorkflowChange['changes'], 'updated_at'>,
  origin?: Origin,
): Promise<WorkflowRow> {
  return store.write(updateWorkflow, { workflow_id: workflowId, changes: { ...changes, updated_at: clock.now() } }, origin)
}
