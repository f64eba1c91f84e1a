import { recordChange, type Change } from '../audit/repository.ts'
import type { Actor } from '../store/origin.ts'
import type { Db } from '../store/store.ts'
import type { DeploymentRow } from '../store/tables.ts'
import type { DeploymentRecord } from './repository.ts'
import { readTraffic, sayRoutes } from './routing.ts'

type States = Pick<Change, 'at' | 'before' | 'after'>

export function recordDeploymentChange(
  db: Db,
  actor: Actor,
  action: Change['action'],
  { deployment_id, name, environment }: Pick<DeploymentRow, 'deployment_id' | 'name' | 'environment'>,
  states: States,
): Promise<void> {
  return recordChange(db, actor, { action, object: { id: deployment_id, name, environment }, ...states })
}

/** What a deployment serves. */
export function stateOf(record: DeploymentRecord) {
  const { status, number, digest, definition_digest, runtime_config, workflow_id, workflow_name, workflow_version, deployed_by, traffic } =
    record
  return {
    status,
    release: number,
    digest,
    definition_digest,
    runtime_config: JSON.parse(runtime_config) as unknown,
    workflow_id,
    workflow_name,
    workflow_version,
    deployed_by,
    ...(traffic !== null && { traffic: sayRoutes(readTraffic(traffic, number)) }),
  }
}

/** How many executions in flight it happened to; what happened to none is left out. */
export function counts(lists: Record<string, readonly unknown[]>): Record<string, number> {
  return Object.fromEntries(Object.entries(lists).flatMap(([name, list]) => (list.length > 0 ? [[name, list.length]] : [])))
}
