import { call } from './call.ts'
import type { Request } from './load/load.ts'
import type { Room, ServerProcess, SpawnOptions } from './room.ts'

export const question = 'What is the time in Lisbon?'

const command = new URL('../bin/agent-studio.js', import.meta.url)
const withoutJournal = new URL('./servers/without-journal.ts', import.meta.url)
const env = { PORT: '0', LOG_LEVEL: 'warn' }

export function startAgentStudio(room: Room, folder: string, options: SpawnOptions = {}): Promise<ServerProcess> {
  return room.startServer(command, { ...options, args: ['serve'], folder, env: { ...env, ...options.env } })
}

export function startWithoutJournal(room: Room): Promise<ServerProcess> {
  return room.startServer(withoutJournal, { folder: room.makeFolder(), env })
}

/** @returns the request that executes it */
export async function deploy(port: number, name: string, configuration: object): Promise<Request> {
  const workflow = await call(port, 'POST', '/api/workflows', { name, configuration })
  await call(port, 'POST', `/api/workflows/${String(workflow['workflow_id'])}/deploy`, { deployment_name: name })
  return executeRequest(name)
}

export function executeRequest(deployment: string, query = question): Request {
  return { path: '/api/workflows/execute', body: { deployment_name: deployment, query } }
}

/** A workflow of one agent. */
export function agentOf(model: string): object {
  return { agents: [{ agent_id: 'agent', config: { model } }], connections: [] }
}
