import { environmentsWithin, holds, reachesName, type Caller } from '../access/caller.ts'
import { defaultRuntimeConfig } from '../deployments/deployment.ts'
import type { Draft } from '../engine/journal.ts'
import { DraftInProtectedEnvironment, DraftOutsideKey, ScopeMissing, WorkflowChanged, WorkflowInvalid } from '../errors.ts'
import { knownEnvironment } from '../environments.ts'
import type { ExecuteRequest } from '../executions/execute.ts'
import { canonicalForm, sha256 } from '../graph/digest.ts'
import type { Studio } from '../studio.ts'
import { getWorkflow } from '../workflows/repository.ts'
import { resolveWorkflow } from '../workflows/resolve-workflow.ts'
import { usesLocalServers } from './local-servers.ts'

export interface DraftRequest extends Omit<ExecuteRequest, 'target' | 'draft'> {
  /** Who asks: for them, only some environments are there, and maybe no drafts. */
  caller: Caller
  workflow_id: string
}

/** How often it is tried because somebody edits the workflow meanwhile. */
const TRIES = 5

/**
 * Runs a workflow as it is now, as a test: checked and resolved like for a deploy, and counted in no deployment. What is
 * executed stays as it was, whatever becomes of the workflow.
 * @param begin admits what it is given
 * @throws WorkflowNotFound, WorkflowInvalid, InvalidInput for an unknown environment, DraftOutsideKey, DraftInProtectedEnvironment,
 *   ScopeMissing where it has secrets, or tools of the operator's MCP servers, and the caller may not deploy, WorkflowChanged, and what `begin` throws
 */
export async function runDraft<Result>(
  studio: Studio,
  { workflow_id, ...request }: DraftRequest,
  begin: (asked: ExecuteRequest) => Promise<Result>,
): Promise<Result> {
  const { caller } = request
  const within = environmentsWithin(caller, studio.environments)
  const environment = knownEnvironment(within, request.environment ?? within[0] ?? 'development', '/environment')
  // A draft has no name, so a key for deployments of certain names is not for it.
  if (!reachesName(caller, '')) throw new DraftOutsideKey({ deployment_pattern: caller.deployment_pattern! })
  // What serves there was approved, or comes from elsewhere; the environment's secrets are for that alone.
  if (studio.protections.has(environment)) throw new DraftInProtectedEnvironment({ environment })
  for (let tries = 1; ; tries++) {
    const draft = await prepareDraft(studio, workflow_id, { caller, environment })
    try {
      return await begin({ ...request, environment, target: { workflow_id: draft.workflow_id }, draft })
    } catch (error) {
      if (!(error instanceof WorkflowChanged) || tries === TRIES) throw error
    }
  }
}

/**
 * A workflow can send its secrets anywhere, and the operator's MCP servers are for whoever may deploy; so whoever may not deploy it may
 * not run it with them either.
 */
async function prepareDraft(
  studio: Studio,
  workflowId: string,
  { caller, environment }: { caller: Caller; environment: string },
): Promise<Draft> {
  const workflow = await getWorkflow(studio.store.read, workflowId)
  const { workflow_id, revision } = workflow
  const withSecrets = holds(caller, 'deploy')
  const { definition, problems, references } = await resolveWorkflow(studio, workflow, environment, { withSecrets })
  if (!withSecrets && (references.secrets.length > 0 || usesLocalServers(definition))) throw new ScopeMissing({ scope: 'deploy' })
  if (problems.length > 0) throw new WorkflowInvalid({ workflow_id, errors: problems })
  const canonical = canonicalForm(definition)
  return { workflow_id, revision, definition_digest: sha256(canonical), definition: canonical, runtime_config: defaultRuntimeConfig }
}
