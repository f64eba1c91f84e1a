import { sql } from 'kysely'
import type { Reach } from '../access/caller.ts'
import { findAgent, findAgentByName } from '../agents/repository.ts'
import type { Change } from '../audit/repository.ts'
import { AgentNotFound, WorkflowDeployed, WorkflowExists, WorkflowNotEditable, WorkflowNotFound } from '../errors.ts'
import type { Actor } from '../store/origin.ts'
import { defineCommand, type Db } from '../store/store.ts'
import type { AgentRow, WorkflowRow } from '../store/tables.ts'
import { recordWorkflowChange } from './audited.ts'
import { addToList } from './configuration.ts'

export interface WorkflowFilter {
  /** What of their deployments whoever asks can see. */
  reach: Reach
  skip: number
  limit: number
  is_active?: boolean | undefined
  is_deployed?: boolean | undefined
}

export function findWorkflow(db: Db, workflowId: string): Promise<WorkflowRow | undefined> {
  return db.selectFrom('workflows').selectAll().where('workflow_id', '=', workflowId).executeTakeFirst()
}

/** @throws WorkflowNotFound */
export async function getWorkflow(db: Db, workflowId: string): Promise<WorkflowRow> {
  const row = await findWorkflow(db, workflowId)
  if (!row) throw new WorkflowNotFound({ workflow_id: workflowId })
  return row
}

/** The newest version of that name. */
export function findWorkflowByName(db: Db, name: string): Promise<WorkflowRow | undefined> {
  return db.selectFrom('workflows').selectAll().where('name', '=', name).orderBy('created_at', 'desc').limit(1).executeTakeFirst()
}

/** In the order in which they were created. */
export function listWorkflows(db: Db, filter: WorkflowFilter): Promise<WorkflowRow[]> {
  let query = db.selectFrom('workflows').selectAll('workflows')
  if (filter.is_active !== undefined) query = query.where('is_active', '=', filter.is_active ? 1 : 0)
  if (filter.is_deployed !== undefined) {
    query = query.where(({ exists, not, selectFrom }) => {
      const { environments, deployment_pattern } = filter.reach
      let active = selectFrom('deployments')
        .select('name')
        .whereRef('deployments.workflow_id', '=', 'workflows.workflow_id')
        .where('status', '=', 'active')
      if (environments !== null) active = active.where('environment', 'in', [...environments])
      if (deployment_pattern !== null) active = active.where(sql<boolean>`name glob ${deployment_pattern}`)
      return filter.is_deployed ? exists(active) : not(exists(active))
    })
  }
  return query.orderBy('workflow_id').offset(filter.skip).limit(filter.limit).execute()
}

export const createWorkflow = defineCommand('workflows.create', async (db, workflow: WorkflowRow, actor) => {
  await refuseTakenName(db, workflow)
  await db.insertInto('workflows').values(workflow).execute()
  await recordWorkflowChange(db, actor, 'workflow.create', { before: null, after: workflow }, workflow.created_at)
  return workflow
})

export interface WorkflowChange {
  workflow_id: string
  changes: Partial<Omit<WorkflowRow, 'workflow_id' | 'revision'>> & Pick<WorkflowRow, 'updated_at'>
}

/** @throws WorkflowNotFound, WorkflowNotEditable, WorkflowExists */
export const updateWorkflow = defineCommand('workflows.update', async (db, { workflow_id, changes }: WorkflowChange, actor) => {
  const row = await getWorkflow(db, workflow_id)
  if (changes.is_editable !== 1) refuseLocked(row)
  await refuseTakenName(db, { ...row, ...changes })
  return change(db, actor, 'workflow.update', row, changes)
})

export interface Addition {
  workflow_id: string
  list: 'agents' | 'connections'
  item: Record<string, unknown>
  now: number
}

/**
 * Adds to a list of the configuration, read in the same transaction: additions at the same time all arrive.
 * @throws WorkflowNotFound, WorkflowNotEditable, NodeExists, InvalidInput where the configuration holds no list there
 */
export const addToWorkflow = defineCommand('workflows.add', async (db, { workflow_id, list, item, now }: Addition, actor) => {
  const row = await getWorkflow(db, workflow_id)
  refuseLocked(row)
  const configuration = addToList(JSON.parse(row.configuration), list, item)
  const action = list === 'agents' ? 'workflow.add_agent' : 'workflow.add_connection'
  await change(db, actor, action, row, { configuration: JSON.stringify(configuration), updated_at: now })
})

export interface NewNode {
  agent_id: string
  node_id: string
  position_x?: number | undefined
  position_y?: number | undefined
  agent_config?: Record<string, unknown> | undefined
}

export interface AddedNode {
  item: Record<string, unknown>
  agent: AgentRow
}

/**
 * Adds an agent to the configuration: a registered one, named by its id or its name.
 * @throws WorkflowNotFound, AgentNotFound, WorkflowNotEditable, NodeExists, InvalidInput as `addToWorkflow`
 */
export const addAgentToWorkflow = defineCommand(
  'workflows.addAgent',
  async (db, { workflow_id, node, now }: { workflow_id: string; node: NewNode; now: number }, actor): Promise<AddedNode> => {
    await getWorkflow(db, workflow_id)
    const agent = (await findAgent(db, node.agent_id)) ?? (await findAgentByName(db, node.agent_id))
    if (!agent) throw new AgentNotFound({ agent: node.agent_id })
    const item = {
      agent_id: node.node_id,
      agent_type: agent.name,
      position: { x: node.position_x ?? 0, y: node.position_y ?? 0 },
      config: node.agent_config ?? {},
    }
    await addToWorkflow.run(db, { workflow_id, list: 'agents', item, now }, actor)
    return { item, agent }
  },
)

async function change(
  db: Db,
  actor: Actor,
  action: Change['action'],
  before: WorkflowRow,
  changes: WorkflowChange['changes'],
): Promise<WorkflowRow> {
  const after = await db
    .updateTable('workflows')
    .set({ ...changes, revision: before.revision + 1 })
    .where('workflow_id', '=', before.workflow_id)
    .returningAll()
    .executeTakeFirstOrThrow()
  await recordWorkflowChange(db, actor, action, { before, after }, changes.updated_at)
  return after
}

function refuseLocked({ workflow_id, is_editable }: WorkflowRow): void {
  if (is_editable === 0) throw new WorkflowNotEditable({ workflow_id })
}

export const deleteWorkflow = defineCommand(
  'workflows.delete',
  async (db, { workflow_id, now }: { workflow_id: string; now: number }, actor) => {
    const before = await getWorkflow(db, workflow_id)
    const deployments = await db
      .selectFrom('deployments')
      .select(['name as deployment_name', 'environment'])
      .where('workflow_id', '=', workflow_id)
      .where('status', '=', 'active')
      .orderBy('name')
      .execute()
    if (deployments.length > 0) throw new WorkflowDeployed({ workflow_id, deployments })
    await db.deleteFrom('workflows').where('workflow_id', '=', workflow_id).execute()
    await recordWorkflowChange(db, actor, 'workflow.delete', { before, after: null }, now)
  },
)

async function refuseTakenName(
  db: Db,
  { workflow_id, name, version }: Pick<WorkflowRow, 'workflow_id' | 'name' | 'version'>,
): Promise<void> {
  const taken = await db
    .selectFrom('workflows')
    .select('workflow_id')
    .where('name', '=', name)
    .where('version', '=', version)
    .executeTakeFirst()
  if (taken && taken.workflow_id !== workflow_id) throw new WorkflowExists({ name, version, workflow_id: taken.workflow_id })
}

export const workflowCommands = [createWorkflow, updateWorkflow, addToWorkflow, addAgentToWorkflow, deleteWorkflow]
