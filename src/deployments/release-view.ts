import { reaches, type Reach } from '../access/caller.ts'
import { toTimestamp } from '../clock.ts'
import type { RuntimeConfig } from '../engine/journal.ts'
import type { DefinitionReferences } from '../secrets/reference-repository.ts'
import type { ReleaseRow } from '../store/tables.ts'
import type { ReleaseRecord } from './release-list-repository.ts'
import type { ReleaseSource } from './release-repository.ts'
import type { StatisticsView } from './statistics-view.ts'

/** A release as the API shows it. */
export interface ReleaseView {
  number: number
  digest: string
  definition_digest: string
  note: string | null
  created_at: string
  created_by: string | null
  api_key: { key_id: string; name: string | null } | null
  made_by: ReleaseRow['made_by']
  made_from: ReleaseSource | null
  proposal_id: string | null
  workflow: { workflow_id: string; name: string; version: string; description: string | null }
  runtime_config: RuntimeConfig
  live: boolean
  traffic: { percent: number; tag?: string } | null
}

/** @param reach of whoever looks: where a release was promoted from may be foreign to them */
export function toReleaseView(record: ReleaseRecord, reach: Reach): ReleaseView {
  const { number, digest, definition_digest, note, created_by, key_id, key_name, made_by, proposal_id, percent, tag } = record
  return {
    number,
    digest,
    definition_digest,
    note,
    created_at: toTimestamp(record.created_at),
    created_by,
    api_key: key_id === '' ? null : { key_id, name: key_name },
    made_by,
    made_from: sourceWithin(reach, record.made_from === null ? undefined : (JSON.parse(record.made_from) as ReleaseSource)),
    proposal_id,
    workflow: {
      workflow_id: record.workflow_id,
      name: record.workflow_name,
      version: record.workflow_version,
      description: record.workflow_description,
    },
    runtime_config: JSON.parse(record.runtime_config),
    live: number === record.live_release,
    traffic: percent === null ? null : { percent, ...(tag !== null && { tag }) },
  }
}

export function sourceWithin(reach: Reach, source: ReleaseSource | undefined): ReleaseSource | null {
  return source && reaches(reach, source.environment, source.deployment_name) ? source : null
}

export interface ReleaseDetail extends ReleaseView {
  deployment_name: string
  environment: string
  references: { secrets: string[]; variables: string[]; provider_keys: string[] }
  /** Since it was made. */
  statistics: StatisticsView
  /** Agents with their prompts and models, steps, connections, what was recorded of tools, and the workflows that steps run. */
  definition: unknown
}

export function toReleaseDetail(
  view: ReleaseView,
  record: ReleaseRecord,
  references: DefinitionReferences,
  statistics: StatisticsView,
  definition: unknown,
): ReleaseDetail {
  const { secrets, variables, providerKeys: provider_keys } = references
  const { name: deployment_name, environment } = record
  return {
    ...view,
    deployment_name,
    environment,
    references: { secrets: [...secrets], variables: [...variables], provider_keys: [...provider_keys] },
    statistics,
    definition,
  }
}
