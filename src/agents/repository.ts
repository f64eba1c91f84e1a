import { AgentExists, AgentNotFound } from '../errors.ts'
import { defineCommand, type Db } from '../store/store.ts'
import type { AgentRow } from '../store/tables.ts'
import { recordAgentChange } from './audited.ts'

export function findAgent(db: Db, agentId: string): Promise<AgentRow | undefined> {
  return db.selectFrom('agents').selectAll().where('agent_id', '=', agentId).executeTakeFirst()
}

export function findAgentByName(db: Db, name: string): Promise<AgentRow | undefined> {
  return db.selectFrom('agents').selectAll().where('name', '=', name).executeTakeFirst()
}

export function listAgents(db: Db, page: { skip: number; limit: number }): Promise<AgentRow[]> {
  return db.selectFrom('agents').selectAll().orderBy('created_at').orderBy('agent_id').offset(page.skip).limit(page.limit).execute()
}

export function listAvailableAgents(db: Db): Promise<AgentRow[]> {
  return db.selectFrom('agents').selectAll().where('available_for_deployment', '=', 1).orderBy('name').execute()
}

export function allAgents(db: Db): Promise<AgentRow[]> {
  return db.selectFrom('agents').selectAll().execute()
}

export const createAgent = defineCommand('agents.create', async (db, agent: AgentRow, actor) => {
  await refuseTakenName(db, agent.name, agent.agent_id)
  await db.insertInto('agents').values(agent).execute()
  await recordAgentChange(db, actor, 'agent.create', { before: null, after: agent }, agent.created_at)
  return agent
})

export interface AgentChange {
  agent_id: string
  changes: Partial<AgentRow> & Pick<AgentRow, 'updated_at'>
}

export const updateAgent = defineCommand('agents.update', async (db, { agent_id, changes }: AgentChange, actor) => {
  const before = await findAgent(db, agent_id)
  if (!before) throw new AgentNotFound({ agent: agent_id })
  if (changes.name !== undefined) await refuseTakenName(db, changes.name, agent_id)
  const after = await db.updateTable('agents').set(changes).where('agent_id', '=', agent_id).returningAll().executeTakeFirstOrThrow()
  await recordAgentChange(db, actor, 'agent.update', { before, after }, changes.updated_at)
  return after
})

export const deleteAgent = defineCommand('agents.delete', async (db, { agent_id, now }: { agent_id: string; now: number }, actor) => {
  const before = await db.deleteFrom('agents').where('agent_id', '=', agent_id).returningAll().executeTakeFirst()
  if (!before) throw new AgentNotFound({ agent: agent_id })
  await recordAgentChange(db, actor, 'agent.delete', { before, after: null }, now)
})

async function refuseTakenName(db: Db, name: string, agentId: string): Promise<void> {
  const taken = await findAgentByName(db, name)
  if (taken && taken.agent_id !== agentId) throw new AgentExists({ name, agent_id: taken.agent_id })
}

export const agentCommands = [createAgent, updateAgent, deleteAgent]
