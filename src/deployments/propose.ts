import type { Caller } from '../access/caller.ts'
import { ApprovalNeedsKeys, type Warning } from '../errors.ts'
import { recordedResult } from '../store/claim.ts'
import type { Origin } from '../store/origin.ts'
import type { Studio } from '../studio.ts'
import { findProposal, propose, type Propose } from './proposal-repository.ts'
import { toProposalView, type ProposalView } from './proposal-view.ts'
import { toDeploymentView, type DeploymentView } from './view.ts'

/** What was asked for waits for a second key. */
export interface Waiting {
  message: string
  proposal: ProposalView
}

/** Of what serves already. */
export interface Unchanged extends DeploymentView {
  warnings: Warning[]
  unchanged: true
}

type Asked = Omit<Propose, 'proposal_id'>

/**
 * Asks a second key for a release in an environment that wants that.
 * @param prepare makes it, where it was not asked for before
 * @throws ApprovalNeedsKeys, DeploysHeld, PreconditionFailed, and what `prepare` throws
 */
export async function proposeRelease(
  studio: Studio,
  { caller, environment }: { caller: Caller; environment: string },
  prepare: () => Promise<Asked>,
  origin: Origin | undefined,
): Promise<Waiting | Unchanged> {
  if (caller.key_id === '') throw new ApprovalNeedsKeys({ environment })
  const proposed =
    recordedResult(propose, origin?.claim) ??
    (await studio.store.write(propose, { ...(await prepare()), proposal_id: studio.clock.id() }, origin))
  if ('unchanged' in proposed) return { ...toDeploymentView(proposed.unchanged), warnings: proposed.warnings, unchanged: true }
  const { proposal_id } = proposed
  const proposal = (await findProposal(studio.store.read, proposal_id))!
  return {
    message: `Environment '${environment}' asks for a second API key: POST /api/proposals/${proposal_id}/approve with one that has the scope 'approve'.`,
    proposal: toProposalView(proposal, studio.clock.now(), caller),
  }
}
