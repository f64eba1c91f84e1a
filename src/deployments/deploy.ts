import { environmentsWithin, reachesName, type Caller } from '../access/caller.ts'
import { NameOutsideKey, WorkflowChanged, WorkflowInvalid, type Warning } from '../errors.ts'
import { knownEnvironment } from '../environments.ts'
import type { GivenRuntimeConfig } from './deployment.ts'
import { canonicalForm, sha256 } from '../graph/digest.ts'
import { recordedResult } from '../store/claim.ts'
import type { Origin } from '../store/origin.ts'
import type { Studio } from '../studio.ts'
import { getWorkflow } from '../workflows/repository.ts'
import { resolveWorkflow } from '../workflows/resolve-workflow.ts'
import { deployRelease, type Deploy, type Deployed } from './repository.ts'
import { toDeploymentView, type DeploymentView } from './view.ts'

export interface DeployRequest {
  /** Who asks: for them, only some environments are there, and some names are not theirs. */
  caller: Caller
  deployment_name: string
  environment: string
  deployed_by?: string | undefined
  runtime_config?: GivenRuntimeConfig | undefined
  force?: boolean | undefined
}

export interface DeployAnswer extends DeploymentView {
  warnings: Warning[]
  unchanged: boolean
}

/** How often a deploy is tried because somebody edits the workflow under it. */
const TRIES = 5

/**
 * Makes the workflow, as it is now, the next release of a name in an environment.
 * @throws WorkflowNotFound, WorkflowInvalid, InvalidInput for an unknown environment, NameOutsideKey, WorkflowChanged
 */
export async function deploy(studio: Studio, workflowId: string, request: DeployRequest, origin?: Origin): Promise<DeployAnswer> {
  const { caller, deployment_name: name } = request
  const environment = knownEnvironment(environmentsWithin(caller, studio.environments), request.environment, '/environment')
  // Whether there is a deployment of that name is not told.
  if (!reachesName(caller, name)) throw new NameOutsideKey({ name, deployment_pattern: caller.deployment_pattern! })
  const deployed = recordedResult(deployRelease, origin?.claim) ?? (await release(studio, workflowId, { ...request, environment }, origin))
  const { record, thawed } = deployed
  studio.dispatcher.heedDeployment(record.deployment_id)
  studio.dispatcher.heed(thawed)
  return { ...toDeploymentView(record), warnings: deployed.warnings, unchanged: deployed.unchanged }
}

async function release(studio: Studio, workflowId: string, request: DeployRequest, origin: Origin | undefined): Promise<Deployed> {
  for (let tries = 1; ; tries++) {
    try {
      return await studio.store.write(deployRelease, await prepare(studio, workflowId, request), origin)
    } catch (error) {
      if (!(error instanceof WorkflowChanged) || tries === TRIES) throw error
    }
  }
}

/** Compiled and digested here, not in the transaction, where everybody else's writes would wait for it. */
async function prepare(studio: Studio, workflowId: string, request: DeployRequest): Promise<Deploy> {
  const workflow = await getWorkflow(studio.store.read, workflowId)
  const { definition, problems, warnings, references } = await resolveWorkflow(studio, workflow, request.environment)
  if (problems.length > 0) throw new WorkflowInvalid({ workflow_id: workflowId, errors: problems })
  const canonical = canonicalForm(definition)
  return {
    name: request.deployment_name,
    environment: request.environment,
    deployed_by: request.deployed_by ?? null,
    runtime_config: request.runtime_config,
    force: request.force ?? false,
    workflow,
    definition_digest: sha256(canonical),
    definition: canonical,
    references,
    warnings,
    new_deployment_id: studio.clock.id(),
    now: studio.clock.now(),
  }
}
