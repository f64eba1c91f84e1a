import { environmentsWithin, reachesName, type Caller } from '../access/caller.ts'
import { DeploymentNotFound, ExecutionCancelled, IdempotencyInProgress, deserializeError, type StudioError } from '../errors.ts'
import { searchOrder } from '../environments.ts'
import { isTest } from '../engine/draft.ts'
import type {
  AdmissionTarget,
  AdmittedExecution,
  AskedRoute,
  Draft,
  ExecutionIdentity,
  ExecutionRequest,
  RuntimeOverrides,
} from '../engine/journal.ts'
import type { Outcome } from '../engine/outcome.ts'
import { ownTurn } from '../own-turn.ts'
import type { Claim } from '../store/claim.ts'
import type { Origin } from '../store/origin.ts'
import type { ExecutionRow } from '../store/tables.ts'
import type { Studio } from '../studio.ts'
import { cancelExecution, resumeExecution } from './in-flight-repository.ts'
import { hideSecrets } from './hide-secrets.ts'
import { getExecution } from './repository.ts'

export interface ExecuteRequest {
  /** Who asks: what they cannot see cannot be run. */
  caller: Caller
  target: AdmissionTarget
  /** Runs this, and no release; the target is its workflow. */
  draft?: Draft
  environment: string | undefined
  /** The release or tag that it asks for. */
  route?: AskedRoute
  request: ExecutionRequest
  runtime_overrides: RuntimeOverrides
  session_id: string | undefined
  user_id: string | undefined
}

export interface Started {
  execution: AdmittedExecution
  outcome: Promise<Outcome>
}

export interface StartOptions {
  /** Where the same request may be sent again. */
  claim?: Claim | undefined
  /** Called when the execution is admitted and has not begun: a stream must be listening before the first event. */
  onAdmitted?: (execution: AdmittedExecution) => void
}

/**
 * Admits an execution and lets it run. Once this has resolved the execution is on disk, and ends however often the
 * server is stopped.
 * @throws DeploymentNotFound, DeploymentInactive, WorkflowNotDeployed, ReleaseNotRouted, TagNotRouted, InvalidInput for an unknown environment,
 *   DeploymentRateLimited, DeploymentBusy, ConversationBusy, KeyBusy, IdempotencyKeyReused, IdempotencyInProgress
 */
export async function startExecution(studio: Studio, request: ExecuteRequest, { claim, onAdmitted }: StartOptions = {}): Promise<Started> {
  const { dispatcher, clock } = studio
  const { caller, target } = request
  const environments = searchOrder(environmentsWithin(caller, studio.environments), request.environment, '/environment')
  if ('deployment_name' in target && !reachesName(caller, target.deployment_name)) {
    throw new DeploymentNotFound({ name: target.deployment_name, searched: [...environments] })
  }
  const asked = await hideSecrets(studio, environments, request.request)
  const execution = await dispatcher.admit({
    // Not made before: the executions of a conversation have the order of their ids.
    execution_id: clock.id(),
    ...(request.draft && { draft: request.draft }),
    target,
    environments,
    ...(request.route && { route: request.route }),
    ...(caller.deployment_pattern !== null && { deployment_pattern: caller.deployment_pattern }),
    request: asked,
    runtime_overrides: request.runtime_overrides,
    session_id: request.session_id ?? null,
    user_id: request.user_id ?? null,
    api_key_id: caller.key_id === '' ? null : caller.key_id,
    key_concurrency: caller.limits.concurrency,
    now: clock.now(),
    ...(claim && { claim }),
  })
  onAdmitted?.(execution)
  return { execution, outcome: dispatcher.start(execution) }
}

export interface ExecutionResult {
  status: 'success'
  response: string
  execution_id: string
  workflow_id: string
  deployment_id: string
  deployment_name: string
  environment: string
  release: number
  tokens: { input: number; output: number; total: number }
  /** Present when a demo model took part in the answer. */
  demo?: true
  /** Present when it ran a draft. */
  test?: true
}

/** Admits an execution, and waits for its answer. @throws the error that it failed with, which names the execution */
export async function execute(studio: Studio, request: ExecuteRequest, options?: StartOptions): Promise<ExecutionResult> {
  const { execution, outcome } = await startExecution(studio, request, options)
  const result = toResult(execution, await outcome)
  // Megabytes take tens of milliseconds to be written as an answer.
  if (result.response.length > LARGE_CHARS) await ownTurn()
  return result
}

const LARGE_CHARS = 500_000

/**
 * What `execute` gave, or would have given, for an execution that has ended.
 * @param onEnded called if it has, before this resolves or throws the error that it failed with
 * @throws ExecutionNotFound, IdempotencyInProgress
 */
export async function resultOf({ store }: Pick<Studio, 'store'>, execution_id: string, onEnded: () => void): Promise<ExecutionResult> {
  const row = await getExecution(store.read, execution_id)
  if (row.ended_at === null) throw new IdempotencyInProgress({ execution_id })
  onEnded()
  return toResult(row, outcomeOf(row))
}

function toResult(execution: ExecutionIdentity, outcome: Outcome): ExecutionResult {
  if (outcome.status !== 'completed') throw failureOf(outcome, execution.execution_id)
  return {
    status: 'success',
    response: outcome.response,
    execution_id: execution.execution_id,
    workflow_id: execution.workflow_id,
    deployment_id: execution.deployment_id,
    deployment_name: execution.deployment_name,
    environment: execution.environment,
    release: execution.release_number,
    tokens: outcome.tokens,
    ...(outcome.demo && { demo: true }),
    ...(isTest(execution) && { test: true }),
  }
}

function failureOf(outcome: Exclude<Outcome, { status: 'completed' }>, execution_id: string): StudioError {
  if (outcome.status === 'cancelled') return new ExecutionCancelled({ execution_id })
  const { code, details } = outcome.error.serialize()
  return deserializeError({ code, details: { ...details, execution_id } })
}

/** @param row of an execution that has ended */
function outcomeOf({ status, response, error, input_tokens: input, output_tokens: output, demo }: ExecutionRow): Outcome {
  if (status === 'completed') {
    return { status, response: response!, tokens: { input, output, total: input + output }, demo: demo === 1 }
  }
  return error === null ? { status: 'cancelled' } : { status: 'failed', error: deserializeError(JSON.parse(error)) }
}

/**
 * Ends an execution. Once this has resolved its end is on disk, and its model and tool calls are aborted.
 * @throws ExecutionNotFound, ExecutionEnded
 */
export async function cancel({ store, dispatcher, clock }: Studio, execution_id: string, origin?: Origin): Promise<void> {
  const cancelled = await store.write(cancelExecution, { execution_id, now: clock.now() }, origin)
  await dispatcher.cancel([cancelled])
}

/**
 * Lets a failed execution go on from the step that failed. Once this has resolved it ends again, however often the server
 * is stopped.
 * @throws ExecutionNotFound, ExecutionNotFailed, DeploymentInactive
 */
export async function resume({ store, dispatcher, clock }: Studio, execution_id: string, origin?: Origin): Promise<void> {
  await store.write(resumeExecution, { execution_id, now: clock.now() }, origin)
  dispatcher.heed([execution_id])
}
