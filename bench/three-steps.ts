import { deploy, question, startAgentStudio, startWithoutJournal } from './agent-studio.ts'
import { call } from './call.ts'
import type { Contender, Target } from './figure.ts'
import type { Options } from './options.ts'
import type { Room, ServerProcess } from './room.ts'

/** Three steps that compute next to nothing, each of what the one before gave, so that what they cost is what recording costs. */
const workflow = {
  steps: [
    { step_id: 'ask', step_type: 'transform', config: { mapping: { query: '{{ query }}', sent: true } } },
    {
      step_id: 'look',
      step_type: 'transform',
      config: { mapping: { text: '{{ steps.ask.output.query }}', calls: [] } },
      dependencies: ['ask'],
    },
    { step_id: 'tell', step_type: 'transform', config: { template: 'Answered: {{ steps.look.output.text }}' }, dependencies: ['look'] },
  ],
}

export async function deployThreeSteps(server: ServerProcess): Promise<Target & { executionId: string }> {
  const request = await deploy(server.port, 'three-steps', workflow)
  const { response, execution_id } = await call(server.port, 'POST', request.path, request.body)
  if (response !== `Answered: ${question}`) throw new Error(`three steps were answered with ${String(response)}`)
  return { server, request, executionId: String(execution_id) }
}

/** Only what is recorded counts. */
async function checkRecorded({ server, executionId }: Target & { executionId: string }): Promise<void> {
  const steps = (await call(server.port, 'GET', `/api/executions/${executionId}/steps`)) as unknown as Record<string, unknown>[]
  const recorded = steps.filter(({ kind, status, output }) => kind === 'transform' && status === 'completed' && output !== null)
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
