import { call } from './api.ts'
import type { TestServer } from './server.ts'

let number = 0

/** Creates a workflow of these agents and deploys it. @returns the name of the deployment, which is new each time */
export async function deployAgents(
  server: TestServer,
  nodes: { agent_id: string; config: Record<string, unknown>; calls?: string[] }[],
  deploy: Record<string, unknown> = {},
): Promise<string> {
  const name = `w${process.pid}-${++number}`
  const created = await call(server.url, 'POST', '/api/workflows', {
    name,
    configuration: {
      agents: nodes.map(({ agent_id, config }) => ({ agent_id, config })),
      connections: nodes.flatMap(({ agent_id, calls = [] }) =>
        calls.map((target) => ({ source_agent_id: agent_id, target_agent_id: target, connection_type: 'default' })),
      ),
    },
  })
  if (created.status !== 200) throw new Error(JSON.stringify(created.body))
  const deployed = await call(server.url, 'POST', `/api/workflows/${created.body.workflow_id}/deploy`, { deployment_name: name, ...deploy })
  if (deployed.status !== 200) throw new Error(JSON.stringify(deployed.body))
  return name
}
