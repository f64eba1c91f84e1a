import { ExecutionCancelled, deserializeError, StudioError } from '../errors.ts'
import { searchOrder } from '../environments.ts'
import type { AdmissionTarget, AdmittedExecution, ExecutionRequest, RuntimeConfig } from '../engine/journal.ts'
import type { Outcome } from '../engine/outcome.ts'
import type { Studio } from '../studio.ts'
import { cancelExecution } from './repository.ts'

export interface ExecuteRequest {
  target: AdmissionTarget
  environment: string | undefined
  request: ExecutionRequest
  runtime_overrides: Partial<RuntimeConfig>
  session_id: string | undefined
  user_id: string | undefined
}

export interface Started {
  execution: AdmittedExecution
  outcome: Promise<Outcome>
}

/** Called when the execution is admitted and has not begun: a stream must be listening before the first event. */
export type BeforeStart = (execution: AdmittedExecution) => void

/**
 * Admits an execution and lets it run. Once this has resolved the execution is on disk, and ends however often the
 * server is stopped.
 * @throws DeploymentNotFound, DeploymentInactive, WorkflowNotDeployed, InvalidInput for an unknown environment
 */
export async function startExecution(studio: Studio, request: ExecuteRequest, beforeStart?: BeforeStart): Promise<Started> {
  const { journal, dispatcher, clock, environments } = studio
  const execution = await journal.admit({
    execution_id: clock.id(),
    target: request.target,
    environments: searchOrder(environments, request.environment, '/environment'),
    request: request.request,
    runtime_overrides: request.runtime_overrides,
    session_id: request.session_id ?? null,
    user_id: request.user_id ?? null,
    status: dispatcher.hasRoom ? 'running' : 'queued',
    now: clock.now(),
  })
  beforeStart?.(execution)
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
}

/** Admits an execution, and waits for its answer. @throws the error that it failed with, which names the execution */
export async function execute(studio: Studio, request: ExecuteRequest, beforeStart?: BeforeStart): Promise<ExecutionResult> {
  const { execution, outcome } = await startExecution(studio, request, beforeStart)
  const ended = await outcome
  if (ended.status !== 'completed') throw failureOf(ended, execution.execution_id)
  return {
    status: 'success',
    response: ended.response,
    execution_id: execution.execution_id,
    workflow_id: execution.workflow_id,
    deployment_id: execution.deployment_id,
    deployment_name: execution.deployment_name,
    environment: execution.environment,
    release: execution.release_number,
    tokens: ended.tokens,
    ...(ended.demo && { demo: true }),
  }
}

function failureOf(outcome: Exclude<Outcome, { status: 'completed' }>, execution_id: string): StudioError {
  if (outcome.status === 'cancelled') return new ExecutionCancelled({ execution_id })
  const { code, details } = outcome.error.serialize()
  return deserializeError({ code, details: { ...details, execution_id } })
}

/**
 * Ends an execution. Once this has resolved its end is on disk, and its model and tool calls are aborted.
 * @throws ExecutionNotFound, ExecutionEnded
 */
export async function cancel({ store, dispatcher, clock }: Studio, execution_id: string): Promise<void> {
  const cancelled = await store.write(cancelExecution, { execution_id, now: clock.now() })
  await dispatcher.cancel([cancelled])
}
