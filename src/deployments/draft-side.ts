import { holds, type Caller } from '../access/caller.ts'
import { WorkflowInvalid } from '../errors.ts'
import { canonicalForm, releaseDigest, sha256 } from '../graph/digest.ts'
import type { Studio } from '../studio.ts'
import { getWorkflow } from '../workflows/repository.ts'
import { resolveWorkflow } from '../workflows/resolve-workflow.ts'
import type { Side } from './compare-releases.ts'
import type { ReleaseRecord } from './release-list-repository.ts'

/** Where a draft would be deployed. */
export interface Place {
  name: string
  environment: string
}

/**
 * What a deploy of the release's workflow would make of it now, with the runtime configuration that it would inherit.
 * @throws WorkflowNotFound, WorkflowInvalid
 */
export async function draftOf(
  studio: Studio,
  caller: Caller,
  { workflow_id, runtime_config }: ReleaseRecord,
  { name, environment }: Place,
): Promise<Side> {
  const workflow = await getWorkflow(studio.store.read, workflow_id)
  // Who asks may not be who may deploy, and so may send secrets to where the draft says. Those of a protected environment nobody may.
  const withSecrets = holds(caller, 'deploy') && !studio.protections.has(environment)
  const { definition, problems, references } = await resolveWorkflow(studio, workflow, environment, { withSecrets })
  if (problems.length > 0) throw new WorkflowInvalid({ workflow_id, errors: problems })
  const canonical = canonicalForm(definition)
  const config = JSON.parse(runtime_config) as object
  const digest = releaseDigest(canonical, config)
  return {
    shown: { deployment_name: name, environment, release: null, workflow_id, digest, definition_digest: sha256(canonical) },
    definition: canonical,
    runtime_config: config,
    references,
  }
}
