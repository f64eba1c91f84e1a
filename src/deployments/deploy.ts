import { WorkflowChanged, WorkflowInvalid, type Warning } from '../errors.ts'
import { knownEnvironment } from '../environments.ts'
import type { RuntimeConfig } from '../engine/journal.ts'
import { canonicalForm, sha256 } from '../graph/digest.ts'
import type { Studio } from '../studio.ts'
import { getWorkflow } from '../workflows/repository.ts'
import { resolveWorkflow } from '../workflows/resolve-workflow.ts'
import { deployRelease } from './repository.ts'
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

/** How often a deploy starts again because somebody edited the workflow under it. */
const TRIES = 5

/**
 * Makes the workflow, as it is now, the next release of a name in an environment.
 * @throws WorkflowNotFound, WorkflowInvalid, InvalidInput for an unknown environment, WorkflowChanged
 */
export async function deploy(studio: Studio, workflowId: string, request: DeployRequest): Promise<DeployAnswer> {
  const environment = knownEnvironment(studio.environments, request.environment, '/environment')
  for (let tries = 0; tries < TRIES; tries++) {
    const workflow = await getWorkflow(studio.store.read, workflowId)
    const { definition, problems, warnings } = await resolveWorkflow(studio, workflow)
    if (problems.length > 0) throw new WorkflowInvalid({ workflow_id: workflowId, errors: problems })

    // Compiled and digested here, not in the transaction, where everybody else's writes would wait for it.
    const canonical = canonicalForm(definition)
    const deployed = await studio.store.write(deployRelease, {
      name: request.deployment_name,
      environment,
      deployed_by: request.deployed_by ?? null,
      runtime_config: request.runtime_config,
      force: request.force ?? false,
      workflow,
      definition_digest: sha256(canonical),
      definition: canonical,
      new_deployment_id: studio.clock.id(),
      now: studio.clock.now(),
    })
    if (!deployed) continue
    return { ...toDeploymentView(deployed.record), warnings, unchanged: deployed.unchanged }
  }
  throw new WorkflowChanged({ workflow_id: workflowId })
}
