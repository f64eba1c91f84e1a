import { sql } from 'kysely'
import type { Reach } from '../access/caller.ts'
import { recordChange } from '../audit/repository.ts'
import { toTimestamp } from '../clock.ts'
import { DeploysHeld, ProposalDecided, ProposalNotFound, ProposalOutdated, SecondKeyNeeded, type Warning } from '../errors.ts'
import type { RuntimeConfig } from '../engine/journal.ts'
import { withinReach } from '../executions/listed-deployments-repository.ts'
import { releaseDigest } from '../graph/digest.ts'
import { checkPrecondition, type Precondition } from '../precondition.ts'
import { missingMessage } from '../secrets/missing.ts'
import { defineCommand, type Db } from '../store/store.ts'
import type { ProposalRow } from '../store/tables.ts'
import { inheritRuntimeConfig } from './deployment.ts'
import { findHold } from './hold-repository.ts'
import { isThere, makeRelease, type Deployed, type NewRelease, type ReleaseSource } from './release-repository.ts'
import { findDeployments, getDeployment, type DeploymentRecord } from './repository.ts'
import { trafficTag } from './routing.ts'

/** How long a proposal waits: over a weekend. */
export const PROPOSAL_MS = 72 * 60 * 60 * 1_000

/** What a proposal keeps of the release that it is for. */
export interface ProposedRelease {
  release: NewRelease
  made_from?: ReleaseSource
}

/** What served when it was proposed. */
export interface ProposalBase {
  deployment_id: string
  release: number
  digest: string
  route_change: number
  status: DeploymentRecord['status']
}

export interface Propose extends ProposedRelease {
  proposal_id: string
  kind: ProposalRow['kind']
  warnings: Warning[]
  precondition?: Precondition
}

export type Proposed = { proposal_id: string } | { unchanged: DeploymentRecord; warnings: Warning[] }

/** Keeps a release for a second key to approve. Where the very same one serves already, there is nothing to approve. @throws DeploysHeld, PreconditionFailed */
export const propose = defineCommand('proposals.create', async (db, asked: Propose, actor): Promise<Proposed> => {
  const { proposal_id, kind, made_from, warnings } = asked
  const { name, environment, note = null, now } = asked.release
  const [existing] = await findDeployments(db, name, [environment])
  const served = existing && (await getDeployment(db, existing.deployment_id))
  checkPrecondition(asked.precondition ?? {}, existing && trafficTag(existing))
  const hold = existing && (await findHold(db, existing.deployment_id))
  if (hold && asked.release.automated) throw new DeploysHeld({ name, environment, ...hold })
  // What is approved is what was shown, whatever is inherited by then.
  const runtime_config = inheritRuntimeConfig(asked.release.runtime_config, served && (JSON.parse(served.runtime_config) as RuntimeConfig))
  const digest = releaseDigest(asked.release.definition, runtime_config)
  if (served && isThere(served, digest, kind) && !asked.release.force) return { unchanged: served, warnings }
  const kept: ProposedRelease = { release: { ...asked.release, runtime_config }, ...(made_from && { made_from }) }
  await db
    .insertInto('proposals')
    .values({
      proposal_id,
      kind,
      name,
      environment,
      status: 'pending',
      digest,
      release: JSON.stringify(kept),
      base: served ? JSON.stringify(baseOf(served)) : null,
      note,
      warnings: JSON.stringify(warnings),
      requested_at: now,
      requested_by: actor.name,
      key_id: actor.key_id,
      expires_at: now + PROPOSAL_MS,
      decided_at: null,
      decided_by: null,
      decided_by_key_id: null,
      reason: null,
      release_number: null,
    })
    .execute()
  const after = { kind, digest, runtime_config, ...(note && { note }), ...(made_from && { made_from }) }
  await recordChange(db, actor, {
    at: now,
    action: 'proposal.create',
    object: { id: proposal_id, name, environment },
    before: null,
    after,
  })
  return { proposal_id }
})

function baseOf({ deployment_id, number: release, digest, route_change, status }: DeploymentRecord): ProposalBase {
  return { deployment_id, release, digest, route_change, status }
}

export interface Decision {
  proposal_id: string
  reason: string | undefined
  now: number
}

/**
 * Makes the release that was proposed, if nothing else serves than when it was proposed.
 * @throws ProposalNotFound, ProposalDecided, SecondKeyNeeded, ProposalOutdated
 */
export const approveProposal = defineCommand('proposals.approve', async (db, { proposal_id, reason, now }: Decision, actor) => {
  const proposal = await getOpen(db, proposal_id, now)
  const { key_id, requested_by, kind, base } = proposal
  if (actor.key_id === '' || actor.key_id === key_id) throw new SecondKeyNeeded({ proposal_id })
  await refuseOutdated(db, proposal)
  const { release, made_from } = JSON.parse(proposal.release!) as ProposedRelease
  const made = await makeRelease(
    db,
    actor,
    { ...release, now },
    {
      made_by: kind,
      ...(made_from && { made_from }),
      proposal_id,
      asked_by: { key_id, name: requested_by },
      remarks: { proposal_id, requested_by, requested_by_key: key_id, ...(reason !== undefined && { reason }) },
      refuse: ([missing]) => new ProposalOutdated({ proposal_id, reason: missingMessage(missing!, release.environment) }),
    },
  )
  await decide(db, proposal_id, { status: 'approved', decided_at: now, reason: reason ?? null, release_number: made.record.number }, actor)
  const warnings = JSON.parse(proposal.warnings) as Warning[]
  return { ...made, warnings, base } satisfies Deployed & Pick<ProposalRow, 'base'>
})

/** @throws ProposalNotFound, ProposalDecided */
export const rejectProposal = defineCommand(
  'proposals.reject',
  async (db, { proposal_id, reason, now }: Decision, actor): Promise<void> => {
    const { name, environment } = await getOpen(db, proposal_id, now)
    await decide(db, proposal_id, { status: 'rejected', decided_at: now, reason: reason ?? null, release_number: null }, actor)
    await recordChange(db, actor, {
      at: now,
      action: 'proposal.reject',
      object: { id: proposal_id, name, environment },
      before: { status: 'pending' },
      after: { status: 'rejected', ...(reason !== undefined && { reason }) },
    })
  },
)

type Decided = Pick<ProposalRow, 'status' | 'decided_at' | 'reason' | 'release_number'>

async function decide(db: Db, proposal_id: string, decided: Decided, actor: { key_id: string; name: string | null }): Promise<void> {
  await db
    .updateTable('proposals')
    .set({ ...decided, release: null, decided_by: actor.name, decided_by_key_id: actor.key_id })
    .where('proposal_id', '=', proposal_id)
    .execute()
}

async function getOpen(db: Db, proposal_id: string, now: number): Promise<ProposalRow> {
  const proposal = await findProposal(db, proposal_id)
  if (!proposal) throw new ProposalNotFound({ proposal_id })
  const status = statusAt(proposal, now)
  if (status !== 'pending') throw new ProposalDecided({ proposal_id, decision: status, by: proposal.decided_by })
  return proposal
}

/** Who approves has seen what differs from what served then. @throws ProposalOutdated */
async function refuseOutdated(db: Db, { proposal_id, kind, name, environment, base: stored }: ProposalRow): Promise<void> {
  const base = stored === null ? undefined : (JSON.parse(stored) as ProposalBase)
  const [existing] = await findDeployments(db, name, [environment])
  const served = existing && (await getDeployment(db, existing.deployment_id))
  if (base?.deployment_id === served?.deployment_id && base?.route_change === served?.route_change) {
    // A release starts what is stopped. Nobody who stops a deployment expects that of what was asked for before.
    const isStopped = kind !== 'runtime_config' && base?.status === 'active' && served?.status === 'inactive'
    if (isStopped) throw new ProposalOutdated({ proposal_id, reason: 'the deployment was stopped since it was asked for.' })
    return
  }
  const now = served ? `release ${served.number} serves since ${toTimestamp(served.release_created_at)}` : 'the deployment was deleted'
  const then = base ? `it was compared with release ${base.release}` : 'nothing served when it was asked for'
  throw new ProposalOutdated({ proposal_id, reason: `${then}, and now ${now} with other routes.` })
}

// — Queries —

export function statusAt(
  { status, expires_at }: Pick<ProposalRow, 'status' | 'expires_at'>,
  now: number,
): ProposalRow['status'] | 'expired' {
  return status === 'pending' && expires_at <= now ? 'expired' : status
}

export function findProposal(db: Db, proposal_id: string): Promise<ProposalRow | undefined> {
  return db.selectFrom('proposals').selectAll().where('proposal_id', '=', proposal_id).executeTakeFirst()
}

export interface ProposalFilter {
  reach: Reach
  environment?: string | undefined
  deployment_name?: string | undefined
  status?: ReturnType<typeof statusAt> | undefined
  now: number
  before?: string | undefined
  limit: number
}

/** The newest first. */
export function listProposals(db: Db, filter: ProposalFilter): Promise<ProposalRow[]> {
  const { reach, environment, deployment_name, status, now, before, limit } = filter
  const seen = sql<boolean>`${sql.join([sql`true`, ...withinReach(reach, 'environment', 'name')], sql` and `)}`
  let query = db.selectFrom('proposals').selectAll().where(seen)
  if (environment !== undefined) query = query.where('environment', '=', environment)
  if (deployment_name !== undefined) query = query.where('name', '=', deployment_name)
  if (status !== undefined) query = query.where('status', '=', status === 'expired' ? 'pending' : status)
  if (status === 'pending') query = query.where('expires_at', '>', now)
  if (status === 'expired') query = query.where('expires_at', '<=', now)
  if (before !== undefined) query = query.where('proposal_id', '<', before)
  return query.orderBy('proposal_id', 'desc').limit(limit).execute()
}

export const proposalCommands = [propose, approveProposal, rejectProposal]
