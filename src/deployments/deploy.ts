import { environmentsWithin, reachesName, type Caller } from '../access/caller.ts'
import { EnvironmentProtected, NameOutsideKey, WorkflowChanged, WorkflowInvalid, type Warning } from '../errors.ts'
import { knownEnvironment } from '../environments.ts'
import type { GivenRuntimeConfig } from './deployment.ts'
import { canonicalForm, sha256 } from '../graph/digest.ts'
import { recordedResult } from '../store/claim.ts'
import type { Origin } from '../store/origin.ts'
import type { Studio } from '../studio.ts'
import { getWorkflow } from '../workflows/repository.ts'
import { resolveWorkflow, type ResolvedWorkflow } from '../workflows/resolve-workflow.ts'
import { proposeRelease, type Waiting } from './propose.ts'
import { rehearse, type Rehearsal } from './rehearse.ts'
import { deployRelease, type Deploy, type Deployed, type InFlightMode } from './release-repository.ts'
import { toDeploymentView, type DeploymentView } from './view.ts'

export interface DeployRequest {
  /** Who asks: for them, only some environments are there, and some names are not theirs. */
  caller: Caller
  deployment_name: string
  environment: string
  deployed_by?: string | undefined
  runtime_config?: GivenRuntimeConfig | undefined
  force?: boolean | undefined
  note?: string | undefined
  in_flight?: InFlightMode | undefined
  automated?: boolean | undefined
}

export interface DeployAnswer extends DeploymentView {
  warnings: Warning[]
  unchanged: boolean
  /** Executions that were cancelled, where that was asked for. Their calls are aborted. */
  cancelled?: number
}

/** How often a deploy is tried because somebody edits the workflow under it. */
const TRIES = 5

/**
 * Makes the workflow, as it is now, the next release of a name in an environment. Where a second key has to approve that, it is proposed.
 * @throws WorkflowNotFound, WorkflowInvalid, InvalidInput for an unknown environment or a runtime configuration that it cannot have,
 *   NameOutsideKey, WorkflowChanged, DeploysHeld, EnvironmentProtected, ApprovalNeedsKeys
 */
export async function deploy(studio: Studio, workflowId: string, given: DeployRequest, origin?: Origin): Promise<DeployAnswer | Waiting> {
  const request = withinKey(studio, given)
  const { caller, deployment_name: name, environment } = request
  const protection = studio.protections.get(environment)
  if (protection?.promotion) throw new EnvironmentProtected({ name, environment })
  if (protection?.approval) {
    const asked = async () => {
      const { warnings = [], ...release } = await prepare(studio, workflowId, request)
      return { kind: 'deploy' as const, release, warnings }
    }
    return proposeRelease(studio, { caller, environment }, asked, origin)
  }
  const deployed = recordedResult(deployRelease, origin?.claim) ?? (await release(studio, workflowId, request, origin))
  return switched(studio, deployed, request.in_flight)
}

/** What a deploy would do, with every problem that it would be refused for. Writes nothing. */
export async function rehearseDeploy(studio: Studio, workflowId: string, asked: DeployRequest): Promise<Rehearsal> {
  const request = withinKey(studio, asked)
  const { deployment_name: name, environment } = request
  const isProtected = studio.protections.get(environment)?.promotion === true
  // Where no draft is deployed, none has secrets sent to where it says.
  const resolved = await resolve(studio, workflowId, request, { withSecrets: !isProtected })
  const { problems, warnings } = resolved
  const { message } = new EnvironmentProtected({ name, environment })
  const errors = [...(isProtected ? [{ pointer: '/environment', code: EnvironmentProtected.code, message }] : []), ...problems]
  const wanted = { ...request, name, force: request.force ?? false, runtime_config: request.runtime_config }
  return rehearse(studio, wanted, problems.length === 0 ? compiled(resolved) : undefined, { errors, warnings })
}

/** What follows from a new release that is committed. */
export async function switched(studio: Studio, deployed: Deployed, mode: InFlightMode | undefined): Promise<DeployAnswer> {
  const { record, thawed, cancelled, warnings, unchanged } = deployed
  studio.dispatcher.heedDeployment(record.deployment_id)
  studio.dispatcher.heed(thawed)
  await studio.dispatcher.cancel(cancelled)
  return { ...toDeploymentView(record), warnings, unchanged, ...(mode === 'cancel' && { cancelled: cancelled.length }) }
}

/** @throws InvalidInput, NameOutsideKey */
function withinKey(studio: Studio, request: DeployRequest): DeployRequest {
  const { caller, deployment_name: name } = request
  const environment = knownEnvironment(environmentsWithin(caller, studio.environments), request.environment, '/environment')
  // Whether there is a deployment of that name is not told.
  if (!reachesName(caller, name)) throw new NameOutsideKey({ name, deployment_pattern: caller.deployment_pattern! })
  return { ...request, environment }
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

type Resolved = ResolvedWorkflow & Pick<Deploy, 'workflow'>

async function resolve(
  studio: Studio,
  workflowId: string,
  { environment }: DeployRequest,
  options?: { withSecrets: boolean },
): Promise<Resolved> {
  const workflow = await getWorkflow(studio.store.read, workflowId)
  return { ...(await resolveWorkflow(studio, workflow, environment, options)), workflow }
}

/** Compiled and digested here, not in the transaction, where everybody else's writes would wait for it. */
async function prepare(studio: Studio, workflowId: string, request: DeployRequest): Promise<Deploy> {
  const resolved = await resolve(studio, workflowId, request)
  const { problems, warnings } = resolved
  if (problems.length > 0) throw new WorkflowInvalid({ workflow_id: workflowId, errors: problems })
  return {
    name: request.deployment_name,
    environment: request.environment,
    deployed_by: request.deployed_by ?? null,
    runtime_config: request.runtime_config,
    force: request.force ?? false,
    note: request.note,
    in_flight: request.in_flight,
    automated: request.automated,
    ...compiled(resolved),
    warnings,
    new_deployment_id: studio.clock.id(),
    now: studio.clock.now(),
  }
}

function compiled({ definition, references, workflow }: Resolved) {
  const canonical = canonicalForm(definition)
  const { workflow_id, revision, name, version, description } = workflow
  return {
    workflow: { workflow_id, revision, name, version, description },
    definition_digest: sha256(canonical),
    definition: canonical,
    references,
  }
}
