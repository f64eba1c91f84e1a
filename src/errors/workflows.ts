import { defineError, type Issue } from './catalogue.ts'

export const WorkflowNotFound = defineError(
  'workflow_not_found',
  404,
  'There is no such workflow',
  (d: { workflow_id: string }) => `No workflow has the id '${d.workflow_id}'. GET /api/workflows lists them.`,
)

export const WorkflowExists = defineError(
  'workflow_exists',
  409,
  'A workflow of this name and version exists',
  (d: { name: string; version: string; workflow_id: string }) =>
    `A workflow named '${d.name}' of version '${d.version}' exists already (${d.workflow_id}). Change it, or choose another name or version.`,
  ['workflow_id'],
)

export const WorkflowNotEditable = defineError(
  'workflow_not_editable',
  409,
  'The workflow is locked',
  (d: { workflow_id: string }) => `Workflow '${d.workflow_id}' has is_editable: false. Set is_editable to true first, or in the same PUT.`,
)

export const WorkflowChanged = defineError(
  'workflow_changed',
  409,
  'The workflow changed meanwhile',
  (d: { workflow_id: string }) => `Workflow '${d.workflow_id}' was changed by somebody else at the same time. Try again.`,
)

export const WorkflowDeployed = defineError(
  'workflow_deployed',
  409,
  'The workflow has active deployments',
  (d: { workflow_id: string; deployments: { deployment_name: string; environment: string }[] }) =>
    d.deployments.length === 0
      ? `Workflow '${d.workflow_id}' still serves deployments that this key cannot see. They have to be stopped or deleted first.`
      : `Workflow '${d.workflow_id}' still serves ${d.deployments
          .map((one) => `'${one.deployment_name}' in ${one.environment}`)
          .join(', ')}. Stop or delete these deployments first.`,
  ['deployments'],
)

export const WorkflowInvalid = defineError(
  'workflow_invalid',
  422,
  'The workflow cannot be deployed as it is',
  (d: { workflow_id: string; errors: Issue[] }) =>
    `Workflow '${d.workflow_id}' has ${d.errors.length === 1 ? 'a problem' : `${d.errors.length} problems`}: ${d.errors[0]!.message}`,
  ['errors'],
)

export const NodeExists = defineError(
  'node_exists',
  409,
  'The workflow has a node of this id',
  (d: { node_id: string }) => `The workflow has a node '${d.node_id}' already. Choose another node_id.`,
)

export const AgentNotFound = defineError(
  'agent_not_found',
  404,
  'There is no such agent',
  (d: { agent: string }) => `No agent is registered as '${d.agent}'. GET /api/agents lists them.`,
)

export const McpServerNotFound = defineError(
  'mcp_server_not_found',
  404,
  'There is no such MCP server',
  (d: { name: string }) => `The operator lists no MCP server '${d.name}'. GET /api/tools/servers lists those that there are.`,
)

export const AgentExists = defineError(
  'agent_exists',
  409,
  'An agent of this name exists',
  (d: { name: string; agent_id: string }) => `An agent named '${d.name}' is registered already (${d.agent_id}).`,
  ['agent_id'],
)
