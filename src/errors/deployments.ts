import { defineError } from './catalogue.ts'
import { quoted } from './words.ts'

export const DeploymentNotFound = defineError(
  'deployment_not_found',
  404,
  'There is no such deployment',
  (d: { name: string; searched: string[] }) =>
    `No deployment is named '${d.name}' in ${quoted(d.searched)}. GET /api/workflows/deployments lists them.`,
)

export const DeploymentInactive = defineError(
  'deployment_inactive',
  404,
  'The deployment is stopped',
  (d: { name: string; environment: string }) =>
    `Deployment '${d.name}' in '${d.environment}' is stopped and takes no executions. POST /api/workflows/deployments/${d.name}/reactivate starts it again.`,
)

export const DeploymentNotInactive = defineError(
  'deployment_not_inactive',
  404,
  'There is no stopped deployment of that name',
  (d: { name: string; environment: string }) =>
    `Deployment '${d.name}' in '${d.environment}' is active already; there is nothing to reactivate.`,
)

export const WorkflowNotDeployed = defineError(
  'workflow_not_deployed',
  404,
  'The workflow has no active deployment',
  (d: { workflow_id: string; name?: string; searched: string[] }) =>
    `No active deployment${d.name === undefined ? '' : ` named '${d.name}'`} serves workflow '${d.workflow_id}' in ${quoted(d.searched)}. Deploy it first.`,
)
