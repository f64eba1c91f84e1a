import { ReleaseIncomplete } from '../errors.ts'
import type { RuntimeConfig } from '../engine/journal.ts'
import { checkPrecondition, type Precondition } from '../precondition.ts'
import { missingIssue } from '../secrets/missing.ts'
import { defineCommand, type Db } from '../store/store.ts'
import type { GivenRuntimeConfig } from './deployment.ts'
import { definitionOf } from './release-list-repository.ts'
import { makeRelease, type Deployed, type NewRelease } from './release-repository.ts'
import { getDeployment, type NamedDeployment } from './repository.ts'
import { findServing } from './rollback-repository.ts'
import { trafficTag } from './routing.ts'

/** Members that replace those of the live release; null takes one back to its default, and what is left out stays. */
export type RuntimeConfigChanges = { [Name in keyof GivenRuntimeConfig]?: GivenRuntimeConfig[Name] | null }

export interface Configure extends NamedDeployment {
  precondition: Precondition
  changes: RuntimeConfigChanges
  changed_by: string | null
  note: string | undefined
}

/**
 * Makes a release of the live one's definition with another runtime configuration. A stopped deployment stays stopped.
 * @throws DeploymentNotFound, PreconditionFailed, InvalidInput, ReleaseIncomplete
 */
export const configureDeployment = defineCommand('deployments.configure', async (db, configure: Configure, actor): Promise<Deployed> => {
  const { release } = await configured(db, configure)
  const { name, environment } = release
  const { last_release } = await findServing(db, { ...configure, environments: [environment] })
  const made = await makeRelease(db, actor, release, {
    made_by: 'runtime_config',
    refuse: (missing) =>
      new ReleaseIncomplete({ name, environment, release: last_release, errors: missing.map((one) => missingIssue(one, environment)) }),
  })
  return { ...made, warnings: [] }
})

/** The release that it would be, and the tag of what it would change. @throws DeploymentNotFound, PreconditionFailed */
export async function configured(db: Db, configure: Configure): Promise<{ release: NewRelease; tag: string }> {
  const { precondition, changes, changed_by: deployed_by, note, now } = configure
  const deployment = await findServing(db, configure)
  const tag = trafficTag(deployment)
  checkPrecondition(precondition, tag)
  const { deployment_id, name, environment } = deployment
  const live = (await getDeployment(db, deployment_id))!
  const release: NewRelease = {
    name,
    environment,
    deployed_by,
    runtime_config: merged(JSON.parse(live.runtime_config) as RuntimeConfig, changes),
    force: false,
    workflow: {
      workflow_id: live.workflow_id,
      name: live.workflow_name,
      version: live.workflow_version,
      description: live.workflow_description,
    },
    definition_digest: live.definition_digest,
    definition: await definitionOf(db, live.definition_digest),
    note,
    new_deployment_id: deployment_id,
    now,
  }
  return { release, tag }
}

/** What is the default is filled in where it is read. */
function merged(live: RuntimeConfig, changes: RuntimeConfigChanges): GivenRuntimeConfig {
  const all = Object.entries({ ...live, ...changes })
  return Object.fromEntries(all.filter(([, value]) => value !== null)) as GivenRuntimeConfig
}

export const configureCommands = [configureDeployment]
