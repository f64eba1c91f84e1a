import { deploy, question, startAgentStudio, startWithoutJournal } from './agent-studio.ts'
import { call } from './call.ts'
import type { Contender, Target } from './figure.ts'
import type { Options } from './options.ts'
import type { Room, ServerProcess } from './room.ts'

/**
 * Three calls of models that cost nothing: the lead's, which asks the other agent; the other's; and the lead's again with
 * what the other said. The call of the agent is recorded as well, so it is four rows.
 */
const workflow = {
  agents: [
    { agent_id: 'lead', config: { model: 'demo/assistant', system_prompt: 'Answer without pauses.' } },
    { agent_id: 'helper', config: { model: 'demo/echo' } },
  ],
  connections: [{ source_agent_id: 'lead', target_agent_id: 'helper' }],
}

export async function deployThreeSteps(server: ServerProcess): Promise<Target & { executionId: string }> {
  const request = await deploy(server.port, 'three-steps', workflow)
  const { response, execution_id } = await call(server.port, 'POST', request.path, request.body)
  if (!String(response).endsWith(`Tool helper answered: ${question}`)) throw new Error(`three steps were answered with ${String(response)}`)
  return { server, request, executionId: String(execution_id) }
}

/** Only what is recorded counts. */
async function checkRecorded({ server, executionId }: Target & { executionId: string }): Promise<void> {
  const steps = (await call(server.port, 'GET', `/api/executions/${executionId}/steps`)) as unknown as Record<string, unknown>[]
  const recorded = steps.filter(({ kind, status, output }) => kind === 'model' && status === 'completed' && output !== null)
  if (recorded.length !== 3) throw new Error(`of three steps ${recorded.length} were recorded`)
}

/** @param folderOf gives the folder of its database */
export function threeStepsOnAgentStudio(name: string, folderOf: (room: Room, options: Options) => string | Promise<string>): Contender {
  return {
    name,
    prepare: async (room, options) => {
      const target = await deployThreeSteps(await startAgentStudio(room, await folderOf(room, options)))
      await checkRecorded(target)
      return target
    },
  }
}

export const threeStepsWithoutJournal: Contender = {
  name: 'the same without a journal',
  prepare: async (room) => deployThreeSteps(await startWithoutJournal(room)),
}
