import { expect, it } from 'vitest'
import { usesLocalServers } from './local-servers.ts'

const local = { type: 'mcp', name: 'files', server: 'files' }
const remote = { type: 'mcp', name: 'files', url: 'https://example.org/mcp' }
const withTool = (tool: object) => ({ agents: [{ agent_id: 'a', config: { tools: ['calculator', tool] } }], connections: [] })
const within = (definition: object) => ({ agents: [], steps: [{ step_id: 'w', step_type: 'workflow', config: { definition } }] })

it('finds tools of the operator’s servers, also of the workflows that a workflow runs', () => {
  expect([withTool(local), within(withTool(local)), { steps: [{ config: { tools: [local] } }] }].map(usesLocalServers)).toEqual([
    true,
    true,
    true,
  ])
})

it('leaves alone what somebody else serves, and what only looks like a tool', () => {
  expect(
    [withTool(remote), within(withTool(remote)), { agents: [], steps: [{ config: { input: [local], tools: null } }] }].map(
      usesLocalServers,
    ),
  ).toEqual([false, false, false])
})
