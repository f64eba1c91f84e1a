import { toTimestamp, toTimestampOrNull } from '../clock.ts'
import type { DeploymentRecord } from '../deployments/repository.ts'
import { toDeploymentView, type DeploymentView } from '../deployments/view.ts'
import { endOf, isObject, type RegisteredAgent } from '../graph/definition.ts'
import type { WorkflowRow } from '../store/tables.ts'

/** A node of the configuration that is an agent, with the registered agent behind it. */
export interface WorkflowAgentView {
  workflow_id: string
  /** The registered agent's id; the node's own where none is registered. */
  agent_id: string
  node_id: string
  position_x: number | null
  position_y: number | null
  agent_config: Record<string, unknown>
  agent: { agent_id: string | null; name: string; agent_type: string }
}

export interface WorkflowConnectionView {
  workflow_id: string
  source_agent_id: string
  target_agent_id: string
  connection_type: string
  conditions: unknown
  priority: number
  source_handle: string | null
  target_handle: string | null
}

export interface WorkflowView {
  workflow_id: string
  name: string
  version: string
  description: string | null
  configuration: Record<string, unknown>
  tags: string[] | null
  created_by: string | null
  is_active: boolean
  is_editable: boolean
  is_deployed: boolean
  deployed_at: string | null
  created_at: string
  updated_at: string
  workflow_agents: WorkflowAgentView[]
  workflow_connections: WorkflowConnectionView[]
  workflow_deployments: DeploymentView[]
}

/** @param deployments those whose newest release is of this workflow */
export function toWorkflowView(
  row: WorkflowRow,
  deployments: readonly DeploymentRecord[],
  registered: readonly RegisteredAgent[],
): WorkflowView {
  const configuration = JSON.parse(row.configuration) as Record<string, unknown>
  const active = deployments.filter((one) => one.status === 'active')
  const deployedAt = active.length > 0 ? Math.max(...active.map((one) => one.deployed_at)) : null
  return {
    workflow_id: row.workflow_id,
    name: row.name,
    version: row.version,
    description: row.description,
    configuration,
    tags: row.tags === null ? null : JSON.parse(row.tags),
    created_by: row.created_by,
    is_active: row.is_active === 1,
    is_editable: row.is_editable === 1,
    is_deployed: active.length > 0,
    deployed_at: toTimestampOrNull(deployedAt),
    created_at: toTimestamp(row.created_at),
    updated_at: toTimestamp(row.updated_at),
    workflow_agents: objectsIn(configuration['agents']).map((node) => toAgentView(row.workflow_id, node, registered)),
    workflow_connections: objectsIn(configuration['connections']).map((connection) => toConnectionView(row.workflow_id, connection)),
    workflow_deployments: deployments.map(toDeploymentView),
  }
}

/** A workflow may be saved unfinished, so a list may be anything. */
function objectsIn(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

export function toAgentView(workflowId: string, node: Record<string, unknown>, registered: readonly RegisteredAgent[]): WorkflowAgentView {
  const nodeId = textOr(node['agent_id'], '')
  const type = textOr(node['agent_type'], nodeId)
  const agent = registered.find((one) => one.name === type || one.agent_id === type)
  const position = isObject(node['position']) ? node['position'] : {}
  return {
    workflow_id: workflowId,
    agent_id: agent?.agent_id ?? nodeId,
    node_id: nodeId,
    position_x: numberOrNull(position['x']),
    position_y: numberOrNull(position['y']),
    agent_config: isObject(node['config']) ? node['config'] : {},
    agent: { agent_id: agent?.agent_id ?? null, name: agent?.name ?? textOr(node['name'], type), agent_type: agent?.agent_type ?? type },
  }
}

export function toConnectionView(workflowId: string, connection: Record<string, unknown>): WorkflowConnectionView {
  return {
    workflow_id: workflowId,
    source_agent_id: textOr(endOf(connection, 'source').id, ''),
    target_agent_id: textOr(endOf(connection, 'target').id, ''),
    connection_type: textOr(connection['connection_type'], 'default'),
    conditions: connection['conditions'] ?? null,
    priority: numberOrNull(connection['priority']) ?? 0,
    source_handle: textOr(connection['source_handle'], null),
    target_handle: textOr(connection['target_handle'], null),
  }
}

function textOr<Otherwise>(value: unknown, otherwise: Otherwise): string | Otherwise {
  return typeof value === 'string' ? value : otherwise
}

function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}
