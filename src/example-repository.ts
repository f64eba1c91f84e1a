import { createAgent } from './agents/repository.ts'
import { deployRelease } from './deployments/release-repository.ts'
import { defineCommand } from './store/store.ts'
import type { AgentRow, WorkflowRow } from './store/tables.ts'
import { createWorkflow } from './workflows/repository.ts'

export interface Example {
  agents: AgentRow[]
  workflow: WorkflowRow
  deploy: Parameters<typeof deployRelease.run>[1]
}

/** Sets up everything in one transaction, and only in a database that never had it: what a user deletes stays deleted. */
export const insertExample = defineCommand('example.insert', async (db, example: Example, actor): Promise<boolean> => {
  const done = await db.selectFrom('meta').select('value').where('key', '=', 'example').executeTakeFirst()
  if (done) return false
  await db.insertInto('meta').values({ key: 'example', value: 'inserted' }).execute()
  for (const agent of example.agents) await createAgent.run(db, agent, actor)
  await createWorkflow.run(db, example.workflow, actor)
  await deployRelease.run(db, example.deploy, actor)
  return true
})

export const exampleCommands = [insertExample]
