import { join } from 'node:path'
import { startAgentStudio } from './agent-studio.ts'
import { fillExecutions, type Filled } from './fill.ts'
import type { Options } from './options.ts'
import type { Room } from './room.ts'

export const DEPLOYMENTS = 10_000

export interface History {
  /** The data folder of a server that has run for months, and is not running now. */
  folder: string
  filled: Filled
}

const histories = new WeakMap<Room, Promise<History>>()

/** Made once a run. It has `options.executions` ended executions, and active deployments. */
export function historyOf(room: Room, options: Options): Promise<History> {
  const history = histories.get(room) ?? makeHistory(room, options)
  histories.set(room, history)
  return history
}

async function makeHistory(room: Room, { executions }: Options): Promise<History> {
  const folder = room.makeFolder()
  const server = await startAgentStudio(room, folder)
  await server.stop()
  const file = join(folder, '.agent-studio', 'agent-studio.db')
  return { folder, filled: fillExecutions(file, { executions, deployments: DEPLOYMENTS, environment: 'development' }) }
}
