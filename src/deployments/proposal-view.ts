import type { Reach } from '../access/caller.ts'
import { toTimestamp, toTimestampOrNull } from '../clock.ts'
import type { Warning } from '../errors.ts'
import type { RuntimeConfig } from '../engine/journal.ts'
import type { ProposalRow } from '../store/tables.ts'
import { statusAt, type ProposalBase, type ProposedRelease } from './proposal-repository.ts'
import { sourceWithin } from './release-view.ts'
import type { ReleaseSource } from './release-repository.ts'

/** A proposal as the API shows it. */
export interface ProposalView {
  proposal_id: string
  kind: ProposalRow['kind']
  deployment_name: string
  environment: string
  status: ReturnType<typeof statusAt>
  note: string | null
  digest: string
  /** What the release would have; null once it was decided: then the release says it. */
  runtime_config: RuntimeConfig | null
  workflow: { workflow_id: string; name: string; version: string } | null
  made_from: ReleaseSource | null
  /** What served when it was asked for. */
  base: { release: number; digest: string } | null
  warnings: Warning[]
  requested_at: string
  requested_by: string | null
  requested_by_key: string
  expires_at: string
  decided_at: string | null
  decided_by: string | null
  decided_by_key: string | null
  reason: string | null
  /** The number of the release that was made of it. */
  release: number | null
}

export function toProposalView(row: ProposalRow, now: number, reach: Reach): ProposalView {
  const kept = row.release === null ? undefined : (JSON.parse(row.release) as ProposedRelease)
  const base = row.base === null ? null : (JSON.parse(row.base) as ProposalBase)
  const workflow = kept?.release.workflow
  return {
    proposal_id: row.proposal_id,
    kind: row.kind,
    deployment_name: row.name,
    environment: row.environment,
    status: statusAt(row, now),
    note: row.note,
    digest: row.digest,
    // A proposal keeps it in full.
    runtime_config: (kept?.release.runtime_config as RuntimeConfig | undefined) ?? null,
    workflow: workflow ? { workflow_id: workflow.workflow_id, name: workflow.name, version: workflow.version } : null,
    made_from: sourceWithin(reach, kept?.made_from),
    base: base && { release: base.release, digest: base.digest },
    warnings: JSON.parse(row.warnings),
    requested_at: toTimestamp(row.requested_at),
    requested_by: row.requested_by,
    requested_by_key: row.key_id,
    expires_at: toTimestamp(row.expires_at),
    decided_at: toTimestampOrNull(row.decided_at),
    decided_by: row.decided_by,
    decided_by_key: row.decided_by_key_id,
    reason: row.reason,
    release: row.release_number,
  }
}
