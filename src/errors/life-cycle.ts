import { defineError, type Issue } from './catalogue.ts'
import { numbers } from './words.ts'

export const ReleaseNotFound = defineError(
  'release_not_found',
  404,
  'There is no such release',
  (d: { name: string; environment: string; release: number; last: number }) =>
    `Deployment '${d.name}' in '${d.environment}' has no release ${d.release}; its newest is ${d.last}. GET /api/workflows/deployments/${d.name}/releases lists them.`,
)

export const DeploysHeld = defineError(
  'deploys_held',
  409,
  'Automated deploys are held',
  (d: { name: string; environment: string; by: string | null; since: string; from_releases: number[]; to_release: number }) =>
    `Deployment '${d.name}' in '${d.environment}' was rolled back from ${numbers('release', d.from_releases)} to release ${d.to_release}${d.by === null ? '' : ` by ${d.by}`} at ${d.since}, and takes no automated deploys since. POST /api/workflows/deployments/${d.name}/resume-deploys lets them go on; a deploy without 'automated' does so as well.`,
  ['by', 'since', 'from_releases', 'to_release'],
)

/** Why a release is no target of a rollback that names none. */
export interface UnfitRelease {
  release: number
  reason: string
}

export const NothingToRollBackTo = defineError(
  'nothing_to_roll_back_to',
  409,
  'There is nothing to roll back to',
  (d: { name: string; environment: string; live: number; unfit: UnfitRelease[] }) =>
    d.unfit.length === 0
      ? `No release served before release ${d.live} of deployment '${d.name}' in '${d.environment}'. Deploy what shall serve, or stop the deployment.`
      : `No release that served before release ${d.live} of deployment '${d.name}' in '${d.environment}' was healthy: ${d.unfit.map((one) => `${one.release} ${one.reason}`).join('; ')}. Name one as 'to' if it shall serve all the same.`,
  ['unfit'],
)

export const ReleaseServes = defineError(
  'release_serves',
  409,
  'The release serves already',
  (d: { name: string; environment: string; release: number }) =>
    `All executions of deployment '${d.name}' in '${d.environment}' go to release ${d.release} already.`,
)

export const ReleaseIncomplete = defineError(
  'release_incomplete',
  409,
  'The release lacks something',
  (d: { name: string; environment: string; release: number; errors: Issue[] }) =>
    `Release ${d.release} of deployment '${d.name}' cannot serve in '${d.environment}': ${d.errors[0]!.message}`,
  ['errors'],
)

export const PromotionRefused = defineError(
  'promotion_refused',
  422,
  'The release cannot be promoted as it is',
  (d: { name: string; environment: string; errors: Issue[]; checklist: unknown }) =>
    `Deployment '${d.name}' cannot be promoted to '${d.environment}': ${d.errors.length === 1 ? '' : `${d.errors.length} things are missing, the first: `}${d.errors[0]!.message}`,
  ['errors', 'checklist'],
)

export const EnvironmentProtected = defineError(
  'environment_protected',
  403,
  'The environment takes promotions only',
  (d: { name: string; environment: string }) =>
    `Nothing is deployed to '${d.environment}' directly. Deploy to another environment, and from there POST /api/workflows/deployments/${d.name}/promote with {"environment": "${d.environment}"}.`,
)

export const ApprovalNeedsKeys = defineError(
  'approval_needs_keys',
  403,
  'Approval needs API keys',
  (d: { environment: string }) =>
    `A change of '${d.environment}' has to be approved by a second API key, and this request came without one. Make keys with POST /api/keys, one with the scope 'deploy' and another with 'approve'.`,
)

export const ProposalNotFound = defineError(
  'proposal_not_found',
  404,
  'There is no such proposal',
  (d: { proposal_id: string }) => `No proposal has the id '${d.proposal_id}'. GET /api/proposals lists them.`,
)

export const ProposalDecided = defineError(
  'proposal_decided',
  409,
  'The proposal is not open any more',
  (d: { proposal_id: string; decision: string; by: string | null }) =>
    d.decision === 'expired'
      ? `Proposal ${d.proposal_id} has expired. Ask for the change again.`
      : `Proposal ${d.proposal_id} is ${d.decision} already${d.by === null ? '' : `, by ${d.by}`}.`,
  ['decision', 'by'],
)

export const ProposalOutdated = defineError(
  'proposal_outdated',
  409,
  'The proposal is out of date',
  (d: { proposal_id: string; reason: string }) =>
    `Proposal ${d.proposal_id} cannot be approved any more: ${d.reason} Ask for the change again, so that it is compared with what is there now.`,
)

export const SecondKeyNeeded = defineError(
  'second_key_needed',
  403,
  'Another key has to approve it',
  (d: { proposal_id: string }) =>
    `Proposal ${d.proposal_id} was asked for with this very key. It has to be approved with another one that has the scope 'approve'.`,
)
