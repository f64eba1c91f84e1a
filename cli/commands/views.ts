import type { Approval, DeploymentDetail, ExecutionSummary, Secret, Step, Variable, Workflow } from '@agent-studio/client'
import type { ItemView, TableView } from '../output/show.ts'
import type { Terminal } from '../output/terminal.ts'
import { ago, lasted } from '../output/words.ts'

/** A status is told by its word; the colour only helps to find it. */
export function statusStyle(terminal: Terminal): (text: string) => string {
  return (text) => {
    const word = text.trim()
    if (['active', 'completed', 'ok', 'ready'].includes(word)) return terminal.style('green', text)
    if (['failed', 'missing', 'not ok'].includes(word)) return terminal.style('red', text)
    if (['running', 'queued', 'waiting'].includes(word)) return terminal.style('yellow', text)
    return text
  }
}

export const workflowTable: TableView<Workflow> = {
  columns: [
    { title: 'name', value: ({ name }) => name },
    { title: 'version', value: ({ version }) => version },
    { title: 'deployed as', value: ({ workflow_deployments: all }) => all.filter(isActive).map(whereOf).join(', ') || null },
    { title: 'changed', value: ({ updated_at }) => ago(updated_at) },
    { title: 'tags', value: ({ tags }) => tags?.join(', ') || null, wide: true },
    { title: 'workflow id', value: ({ workflow_id }) => workflow_id },
  ],
  name: ({ workflow_id }) => workflow_id,
  nothing: `There are no workflows. 'agent-studio workflow create <name> --file <file>' makes one.`,
}

export const workflowItem: ItemView<Workflow> = {
  name: ({ workflow_id }) => workflow_id,
  lines: (one) => [
    ['workflow', `${one.name} ${one.version}`],
    ['id', one.workflow_id],
    ['description', one.description],
    ['tags', one.tags?.join(', ') ?? null],
    [
      'agents',
      one.workflow_agents
        .map(
          ({ node_id, agent_config }) =>
            `${node_id} (${typeof agent_config['model'] === 'string' ? agent_config['model'] : 'default model'})`,
        )
        .join(', ') || null,
    ],
    ['connections', one.workflow_connections.map((link) => `${link.source_agent_id} → ${link.target_agent_id}`).join(', ') || null],
    ['deployed as', one.workflow_deployments.filter(isActive).map(whereOf).join(', ') || null],
    ['changed', one.updated_at],
  ],
}

interface Placed {
  deployment_name: string
  environment: string
  status: string
}
const isActive = ({ status }: Placed): boolean => status === 'active'
const whereOf = ({ deployment_name, environment }: Placed): string => `${deployment_name} (${environment})`

export function deploymentTable(terminal: Terminal): TableView<DeploymentDetail> {
  return {
    columns: [
      { title: 'name', value: ({ deployment_name }) => deployment_name },
      { title: 'environment', value: ({ environment }) => environment },
      { title: 'status', value: ({ status }) => status, style: statusStyle(terminal) },
      { title: 'release', value: ({ release }) => release.number, right: true },
      { title: 'workflow', value: ({ workflow }) => `${workflow.name} ${workflow.version}` },
      { title: 'runs', value: ({ execution_count }) => execution_count, right: true },
      { title: 'errors', value: ({ error_count }) => error_count, right: true },
      { title: 'in flight', value: ({ in_flight: { queued, running, waiting } }) => queued + running + waiting, right: true },
      { title: 'deployed', value: ({ deployed_at }) => ago(deployed_at) },
      { title: 'by', value: ({ deployed_by }) => deployed_by, wide: true },
      { title: 'digest', value: ({ release }) => release.digest.slice(0, 12), wide: true },
      { title: 'last error', value: ({ last_error }) => last_error, wide: true },
    ],
    name: ({ deployment_name, environment }) => `${deployment_name}@${environment}`,
    nothing: `There are no such deployments. 'agent-studio deploy <workflow>' makes one.`,
  }
}

export const deploymentItem: ItemView<DeploymentDetail> = {
  name: ({ deployment_name, environment }) => `${deployment_name}@${environment}`,
  lines: (one) => [
    ['deployment', `${one.deployment_name} in ${one.environment}`],
    ['status', one.stopped_at === null ? one.status : `${one.status}, stopped ${ago(one.stopped_at)}`],
    [
      'release',
      `${one.release.number} (${one.release.digest.slice(0, 12)}), made ${ago(one.release.created_at)}${by(one.release.created_by)}`,
    ],
    ['traffic', trafficOf(one)],
    ['workflow', `${one.workflow.name} ${one.workflow.version}`],
    ['runs', `${one.execution_count}, of which ${one.error_count} failed`],
    ['in flight', `${one.in_flight.running} running, ${one.in_flight.queued} queued, ${one.in_flight.waiting} waiting`],
    ['last run', ago(one.last_executed) ?? null],
    ['last error', one.last_error],
    ['settings', one.runtime_config],
    ['id', one.deployment_id],
  ],
}

function by(name: string | null): string {
  return name === null ? '' : ` by ${name}`
}

/** Of one that serves a single release there is nothing to say. */
function trafficOf(one: object): string | undefined {
  const { traffic: routes } = one as { traffic?: { release: number; percent: number; tag?: string }[] }
  if (!routes || routes.length < 2) return undefined
  return routes.map(({ release, percent, tag }) => `release ${release}: ${percent} %${tag === undefined ? '' : ` (${tag})`}`).join(', ')
}

export function executionTable(terminal: Terminal): TableView<ExecutionSummary> {
  return {
    columns: [
      { title: 'execution id', value: ({ execution_id }) => execution_id },
      { title: 'status', value: ({ status }) => status, style: statusStyle(terminal) },
      {
        title: 'deployment',
        value: ({ deployment_name, environment }) => (deployment_name === '' ? 'draft' : `${deployment_name} (${environment})`),
      },
      { title: 'release', value: ({ release }) => release || null, right: true },
      { title: 'begun', value: ({ created_at }) => ago(created_at) },
      { title: 'took', value: ({ started_at, ended_at }) => lasted(started_at, ended_at), right: true },
      { title: 'tokens', value: ({ tokens }) => tokens.total, right: true },
      { title: 'session', value: ({ session_id }) => session_id, wide: true },
      { title: 'error', value: ({ error }) => error?.code },
    ],
    name: ({ execution_id }) => execution_id,
    nothing: 'There are no such executions.',
  }
}

export function stepTable(terminal: Terminal): TableView<Step> {
  return {
    columns: [
      { title: 'step', value: ({ name }) => name },
      { title: 'kind', value: ({ kind }) => kind },
      { title: 'status', value: ({ status }) => status, style: statusStyle(terminal) },
      { title: 'attempts', value: ({ attempts }) => attempts.length, right: true },
      { title: 'took', value: ({ attempts }) => lasted(attempts[0]?.started_at, attempts.at(-1)?.ended_at), right: true },
      { title: 'tokens', value: ({ tokens }) => tokens?.total, right: true },
      { title: 'error', value: ({ attempts }) => attempts.at(-1)?.error?.message },
    ],
    name: ({ step_id }) => step_id,
    nothing: 'It has no steps yet.',
  }
}

export const approvalTable: TableView<Approval> = {
  columns: [
    { title: 'execution id', value: ({ execution_id }) => execution_id },
    { title: 'step', value: ({ step_id }) => step_id },
    { title: 'deployment', value: ({ deployment_name, environment }) => `${deployment_name} (${environment})` },
    { title: 'asked', value: ({ requested_at }) => ago(requested_at) },
    { title: 'deadline', value: ({ deadline }) => deadline },
    { title: 'message', value: ({ message }) => message },
  ],
  name: ({ execution_id }) => execution_id,
  nothing: 'Nothing waits for a decision.',
}

const users = ({ used_by }: Secret | Variable): number => used_by.deployments.length + used_by.workflows.length + used_by.agents.length

export const secretTable: TableView<Secret> = {
  columns: [
    { title: 'name', value: ({ name }) => name },
    { title: 'environment', value: ({ environment }) => environment },
    { title: 'version', value: ({ version }) => version, right: true },
    { title: 'used by', value: users, right: true },
    { title: 'changed', value: ({ updated_at }) => ago(updated_at) },
    { title: 'by', value: ({ updated_by }) => updated_by },
    { title: 'readable', value: ({ readable }) => (readable ? 'yes' : 'no'), wide: true },
  ],
  name: ({ name }) => name,
  nothing: 'There are no secrets.',
}

export const variableTable: TableView<Variable> = {
  columns: [
    { title: 'name', value: ({ name }) => name },
    { title: 'environment', value: ({ environment }) => environment },
    { title: 'version', value: ({ version }) => version, right: true, wide: true },
    { title: 'used by', value: users, right: true },
    { title: 'changed', value: ({ updated_at }) => ago(updated_at) },
    { title: 'value', value: ({ value }) => value },
  ],
  name: ({ name }) => name,
  nothing: 'There are no variables.',
}
