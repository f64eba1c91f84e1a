import { WorkflowChanged, WorkflowInvalid, type Warning } from '../errors.ts'
import { knownEnvironment } from '../environments.ts'
import type { RuntimeConfig } from '../engine/journal.ts'
import { canonicalForm, sha256 } from '../graph/digest.ts'
import { recordedResult, type Claim } from '../store/claim.ts'
import type { Studio } from '../studio.ts'
import { getWorkflow } from '../workflows/repository.ts'
import { resolveWorkflow } from '../workflows/resolve-workflow.ts'
import { deployRelease, type Deploy, type Deployed } from './repository.ts'
import { toDeploymentView, type DeploymentView } from './view.ts'

export interface DeployRequest {
  deployment_name: string
  environment: string
  deployed_by?: string | undefined
  runtime_config?: Partial<RuntimeConfig> | undefined
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
 * @throws WorkflowNotFound, WorkflowInvalid, InvalidInput for an unknown environment, WorkflowChanged
 */
export async function deploy(studio: Studio, workflowId: string, request: DeployRequest, claim?: Claim): Promise<DeployAnswer> {
  const environment = knownEnvironment(studio.environments, request.environment, '/environment')
  const deployed = recordedResult(deployRelease, claim) ?? (await release(studio, workflowId, { ...request, environment }, claim))
  studio.dispatcher.heed(deployed.thawed)
  return { ...toDeploymentView(deployed.record), warnings: deployed.warnings, unchanged: deployed.unchanged }
}

async function release(studio: Studio, workflowId: string, request: DeployRequest, claim: Claim | undefined): Promise<Deployed> {
  for (let tries = 1; ; tries++) {
    try {
      return await studio.store.write(deployRelease, await prepare(studio, workflowId, request), claim)
    } catch (error) {
      if (!(error instanceof WorkflowChanged) || tries === TRIES) throw error
    }
  }
}

/** Compiled and digested here, not in the transaction, where everybody else's writes would wait for it. */
async function prepare(studio: Studio, workflowId: string, request: DeployRequest): Promise<Deploy> {
  const workflow = await getWorkflow(studio.store.read, workflowId)
  const { definition, problems, warnings } = await resolveWorkflow(studio, workflow)
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
    warnings,
    new_deployment_id: studio.clock.id(),
    now: studio.clock.now(),
  }
}
