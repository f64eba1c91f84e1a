import { call } from './call.ts'
import type { Request } from './load/load.ts'
import type { Room, ServerProcess } from './room.ts'

export function startAgentStudio(room: Room, folder: string, env: Record<string, string> = {}): Promise<ServerProcess> {
  return room.startServer(new URL('../bin/agent-studio.js', import.meta.url), {
    args: ['serve'],
    folder,
    env: { PORT: '0', LOG_LEVEL: 'warn', ...env },
  })
}

/** Deploys a workflow of one agent. @returns the request that executes it */
export async function deployAgent(port: number, name: string, model: string): Promise<Request> {
  const agent = { agent_id: 'agent', agent_type: 'CommandAgent', config: { model } }
  const workflow = await call(port, 'POST', '/api/workflows', { name, configuration: { agents: [agent], connections: [] } })
  await call(port, 'POST', `/api/workflows/${String(workflow['workflow_id'])}/deploy`, { deployment_name: name })
  return executeRequest(name)
}

export function executeRequest(deployment: string): Request {
  return { path: '/api/workflows/execute', body: { deployment_name: deployment, query: question } }
}

export const question = 'What is the time in Lisbon?'
