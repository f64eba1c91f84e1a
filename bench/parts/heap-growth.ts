import { startAgentStudio } from '../agent-studio.ts'
import type { Part } from '../part.ts'
import { deployThreeSteps } from '../three-steps.ts'
import { toMegabytes } from '../value.ts'

const CONNECTIONS = 64

/** What ended executions leave in memory: nothing, so that the heap is the same after the second half. Both threads count. */
export const heapGrowth: Part = {
  name: 'heap growth',
  measure: async ({ room, load, options, say }) => {
    const half = options.quick ? 10_000 : 50_000
    const server = await startAgentStudio(room, room.makeFolder(), { flags: ['--expose-gc'] })
    const { request } = await deployThreeSteps(server)

    let executed = 0
    const heapAfter = async (executions: number): Promise<number> => {
      say(`heap growth: until ${executions} executions`)
      while (executed < executions) executed += (await load.run(server.port, request, { connections: CONNECTIONS, seconds: 1 })).answered
      return (await server.memory()).heapBytes
    }
    const before = await heapAfter(half)
    const after = await heapAfter(2 * half)
    await server.stop()
    return [
      { what: `heap after ${half} executions`, value: toMegabytes(before), unit: 'MB' },
      { what: `growth until ${2 * half}`, value: toMegabytes(after - before), unit: 'MB', atMost: 5 },
    ]
  },
}
