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

export const ReleaseNotRouted = defineError(
  'release_not_routed',
  404,
  'No route leads to the release',
  (d: { name: string; environment: string; release: number; routed: number[] }) =>
    `Deployment '${d.name}' in '${d.environment}' has no route to a release ${d.release}; it routes to ${d.routed.join(', ')}. PUT /api/workflows/deployments/${d.name}/traffic can give a release a route, also of 0 %.`,
)

export const TagNotRouted = defineError(
  'tag_not_routed',
  404,
  'No route has the tag',
  (d: { name: string; environment: string; tag: string; tags: string[] }) =>
    `No route of deployment '${d.name}' in '${d.environment}' has the tag '${d.tag}'; ${d.tags.length === 0 ? 'none has any' : `there are ${quoted(d.tags)}`}. PUT /api/workflows/deployments/${d.name}/traffic gives a route a tag.`,
)
