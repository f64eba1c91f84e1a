import { readFileSync } from 'node:fs'
import { call } from './call.ts'
import type { Request } from './load/load.ts'
import type { Room, ServerProcess, SpawnOptions } from './room.ts'

export const question = 'What is the time in Lisbon?'

const command = new URL('../bin/agent-studio.js', import.meta.url)
const withoutJournal = new URL('./servers/without-journal.ts', import.meta.url)
const env = { PORT: '0', LOG_LEVEL: 'warn' }
/** Of Node, as `npm start` gives them. */
const flags = startScript()
  .split(' ')
  .filter((word) => word.startsWith('--'))

function startScript(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { scripts: { start: string } }).scripts.start
}

export function startAgentStudio(room: Room, folder: string, options: SpawnOptions = {}): Promise<ServerProcess> {
  const started = { ...options, flags: [...flags, ...(options.flags ?? [])], env: { ...env, ...options.env } }
  return room.startServer(command, { ...started, args: ['serve'], folder })
}

export function startWithoutJournal(room: Room): Promise<ServerProcess> {
  return room.startServer(withoutJournal, { folder: room.makeFolder(), flags, env })
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
