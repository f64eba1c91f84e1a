import { AgentNotFound, InvalidInput, NodeExists, WorkflowChanged } from '../errors.ts'
import { findAgent, findAgentByName } from '../agents/repository.ts'
import { toRegisteredAgent } from '../agents/agent.ts'
import { isObject } from '../graph/definition.ts'
import type { WorkflowRow } from '../store/tables.ts'
import type { Studio } from '../studio.ts'
import { getWorkflow, updateWorkflow, type WorkflowChange } from './repository.ts'
import { toAgentView, toConnectionView, type WorkflowAgentView, type WorkflowConnectionView } from './view.ts'

type Part = Pick<Studio, 'store' | 'clock'>

/** How often an edit starts again because of another one at the same time. */
const TRIES = 5

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
  const added = {
    agent_id: node.node_id,
    agent_type: agent.name,
    position: { x: node.position_x ?? 0, y: node.position_y ?? 0 },
    config: node.agent_config ?? {},
  }
  await editList({ store, clock }, workflowId, 'agents', (agents) => {
    if (agents.some((one) => isObject(one) && one['agent_id'] === node.node_id)) throw new NodeExists({ node_id: node.node_id })
    return [...agents, added]
  })
  return toAgentView(workflowId, added, [toRegisteredAgent(agent)])
}

/**
 * Adds a connection to the configuration. Its ends need not be there yet; a deploy checks them.
 * @throws WorkflowNotFound, WorkflowNotEditable
 */
export async function addConnection(
  { store, clock }: Part,
  workflowId: string,
  connection: Record<string, unknown>,
): Promise<WorkflowConnectionView> {
  await editList({ store, clock }, workflowId, 'connections', (connections) => [...connections, connection])
  return toConnectionView(workflowId, connection)
}

async function editList({ store, clock }: Part, workflowId: string, key: string, edit: (list: unknown[]) => unknown[]): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    const row = await getWorkflow(store.read, workflowId)
    const configuration = JSON.parse(row.configuration) as Record<string, unknown>
    const list = configuration[key] ?? []
    if (!Array.isArray(list)) {
      const message = `'${key}' in the configuration is not a list, so nothing can be added to it.`
      throw new InvalidInput({ errors: [{ pointer: `/configuration/${key}`, code: 'wrong_type', message }] })
    }
    const changes = { configuration: JSON.stringify({ ...configuration, [key]: edit(list) }), updated_at: clock.now() }
    if (await store.write(updateWorkflow, { workflow_id: workflowId, revision: row.revision, changes })) return
  }
  throw new WorkflowChanged({ workflow_id: workflowId })
}

/** Changes only what is given. @throws WorkflowNotFound, WorkflowExists, WorkflowNotEditable */
export async function changeWorkflow({ store, clock }: Part, workflowId: string, changes: WorkflowChange['changes']): Promise<WorkflowRow> {
  const row = await store.write(updateWorkflow, { workflow_id: workflowId, changes: { ...changes, updated_at: clock.now() } })
  return row!
}
