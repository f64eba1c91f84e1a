import { toTimestamp, toTimestampOrNull } from '../clock.ts'
import type { RuntimeConfig } from '../engine/journal.ts'
import type { DeploymentRecord, InFlight } from './repository.ts'
import { readTraffic, withoutBuckets, type GivenRoute } from './routing.ts'

/** A deployment as the API shows it. */
export interface DeploymentView {
  deployment_id: string
  deployment_name: string
  environment: string
  status: 'active' | 'inactive'
  deployed_at: string
  deployed_by: string | null
  runtime_config: RuntimeConfig
  stopped_at: string | null
  execution_count: number
  error_count: number
  last_executed: string | null
  last_error: string | null
  workflow: { workflow_id: string; name: string; version: string; description: string | null }
  release: { number: number; digest: string; definition_digest: string; created_at: string; created_by: string | null }
  traffic: GivenRoute[]
}

export function toDeploymentView(record: DeploymentRecord): DeploymentView {
  return {
    deployment_id: record.deployment_id,
    deployment_name: record.name,
    environment: record.environment,
    status: record.status,
    deployed_at: toTimestamp(record.deployed_at),
    deployed_by: record.deployed_by,
    runtime_config: JSON.parse(record.runtime_config),
    stopped_at: toTimestampOrNull(record.stopped_at),
    execution_count: record.execution_count,
    error_count: record.error_count,
    last_executed: toTimestampOrNull(record.last_executed),
    last_error: record.last_error,
    // As the release recorded it: the workflow may have changed since, or be gone.
    workflow: {
      workflow_id: record.workflow_id,
      name: record.workflow_name,
      version: record.workflow_version,
      description: record.workflow_description,
    },
    release: {
      number: record.number,
      digest: record.digest,
      definition_digest: record.definition_digest,
      created_at: toTimestamp(record.release_created_at),
      created_by: record.release_created_by,
    },
    traffic: withoutBuckets(readTraffic(record.traffic, record.number)),
  }
}

export interface DeploymentDetail extends DeploymentView {
  in_flight: InFlight
}

export function toDeploymentDetail(record: DeploymentRecord, inFlight: InFlight): DeploymentDetail {
  return { ...toDeploymentView(record), in_flight: inFlight }
}
