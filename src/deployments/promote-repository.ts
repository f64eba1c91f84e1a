import { DeploymentNotFound, PromotionRefused } from '../errors.ts'
import { missingIssue } from '../secrets/missing.ts'
import { defineCommand, type Db } from '../store/store.ts'
import { definitionOf, findRelease, type ReleaseRecord } from './release-list-repository.ts'
import { makeRelease, type Deployed, type NewRelease } from './release-repository.ts'
import { findDeployments } from './repository.ts'
import type { Warning } from '../errors.ts'

/** What a promotion makes, but for what it takes from its source. */
export type Target = Omit<NewRelease, 'definition' | 'definition_digest' | 'references' | 'workflow'>

export interface Promote {
  source: { deployment_id: string; release: number }
  target: Target
  warnings: Warning[]
}

/**
 * Makes a release of the same definition somewhere else. A name that is new there has the runtime configuration of the source.
 * @throws DeploymentNotFound where the source was deleted meanwhile, PromotionRefused, DeploysHeld, InvalidInput
 */
export const promoteRelease = defineCommand(
  'deployments.promote',
  async (db, { source, target, warnings }: Promote, actor): Promise<Deployed> => {
    const record = await findRelease(db, source.deployment_id, source.release)
    if (!record) throw new DeploymentNotFound({ name: target.name, searched: [] })
    const { name, environment } = target
    const made_from = { deployment_name: record.name, environment: record.environment, release: record.number }
    const made = await makeRelease(db, actor, await promoted(db, record, target), {
      made_by: 'promotion',
      made_from,
      remarks: { made_from },
      refuse: (missing) => {
        const errors = missing.map((one) => missingIssue(one, environment))
        return new PromotionRefused({ name, environment, errors, checklist: undefined })
      },
    })
    return { ...made, warnings }
  },
)

/** The release that it would be. */
export async function promoted(db: Db, source: ReleaseRecord, target: Target): Promise<NewRelease> {
  const isNew = (await findDeployments(db, target.name, [target.environment])).length === 0
  return {
    ...target,
    runtime_config: target.runtime_config ?? (isNew ? JSON.parse(source.runtime_config) : undefined),
    workflow: {
      workflow_id: source.workflow_id,
      name: source.workflow_name,
      version: source.workflow_version,
      description: source.workflow_description,
    },
    definition_digest: source.definition_digest,
    definition: await definitionOf(db, source.definition_digest),
  }
}

export const promotionCommands = [promoteRelease]
