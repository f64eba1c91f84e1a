import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Static } from 'typebox'
import { refuseRevoked } from '../access/hooks.ts'
import { ExecutionEnded, ExecutionNotFound } from '../errors.ts'
import { isTest } from '../engine/draft.ts'
import type { AdmittedExecution, ExecutionIdentity } from '../engine/journal.ts'
import { IDEMPOTENT_REPLAYED } from '../http/idempotency-key.ts'
import { tellLimit } from '../http/limit-fields.ts'
import { openEventStream, type EventStream, type EventStreamOptions } from '../http/sse.ts'
import { toLimitState } from '../limits/rate.ts'
import type { Studio } from '../studio.ts'
import { readChatHistory } from './chat-history.ts'
import { cancel, execute, resultOf, startExecution, type ExecuteRequest, type ExecutionResult, type StartOptions } from './execute.ts'
import { EventFollower, type Followed } from './follow.ts'
import { getExecutionHead } from './repository.ts'
import type { QuestionBody } from './schemas.ts'

/** What is asked, of whatever is executed. @param body that was checked */
export function readQuestion(
  body: Static<typeof QuestionBody>,
): Pick<ExecuteRequest, 'request' | 'runtime_overrides' | 'session_id' | 'user_id'> {
  const { query, input, runtime_overrides = {}, session_id, user_id } = body
  const chat_history = readChatHistory(body.chat_history ?? [])
  return {
    request: { query, chat_history, ...(input !== undefined && { input }) },
    runtime_overrides,
    // Clients that have none may send an empty one, and share no conversation with each other.
    session_id: session_id === '' ? undefined : session_id,
    user_id,
  }
}

/**
 * The three ways in which an execution is started over HTTP: with its answer, in the background, and as a stream. What is executed
 * is the caller's to say, and looked up only where the request was not admitted before.
 */
export interface Start {
  /** Whether the execution ends when the client leaves. */
  cancels?: boolean
  run: <Result>(begin: (asked: ExecuteRequest) => Promise<Result>) => Promise<Result>
}

export async function answerWhole(
  studio: Studio,
  request: FastifyRequest,
  reply: FastifyReply,
  { cancels, run }: Start,
): Promise<ExecutionResult> {
  const { idempotency } = request
  if (idempotency?.admitted) return repeatAnswer(studio, reply, idempotency.admitted.execution_id)
  const options: StartOptions = {
    claim: idempotency?.claim,
    onAdmitted: (execution) => {
      idempotency?.handOver()
      tellRate(reply, execution)
      if (cancels) cancelWhenLeft(studio, reply, execution.execution_id)
    },
  }
  return run((asked) => execute(studio, asked, options)).finally(() => refuseRevoked(request))
}

export async function answerAtOnce(studio: Studio, { idempotency }: FastifyRequest, reply: FastifyReply, { run }: Start) {
  if (idempotency?.admitted) {
    const { execution_id, status } = idempotency.admitted
    const execution = await getExecutionHead(studio.store.read, execution_id)
    reply.header(IDEMPOTENT_REPLAYED, 'true')
    return accepted(reply, execution, status)
  }
  const { execution } = await run((asked) => startExecution(studio, asked, { claim: idempotency?.claim }))
  idempotency?.handOver()
  tellRate(reply, execution)
  return accepted(reply, execution, execution.status)
}

export async function answerAsStream(studio: Studio, request: FastifyRequest, reply: FastifyReply, { cancels, run }: Start): Promise<void> {
  const { idempotency } = request
  if (idempotency?.admitted) {
    const execution = await getExecutionHead(studio.store.read, idempotency.admitted.execution_id)
    await attach(studio, reply, execution, 0, { headers: { [IDEMPOTENT_REPLAYED]: 'true' } })
    if (cancels) cancelWhenLeft(studio, reply, execution.execution_id)
    return
  }
  let events: EventStream | undefined
  const onAdmitted = (execution: AdmittedExecution): void => {
    idempotency?.handOver()
    tellRate(reply, execution)
    events = openEventStream(reply, { isWelcome: () => request.isStillAdmitted() })
    new EventFollower(studio, events, execution, 0).begin()
    if (cancels) cancelWhenLeft(studio, reply, execution.execution_id)
  }
  const { outcome } = await run((asked) => startExecution(studio, asked, { claim: idempotency?.claim, onAdmitted }))
  // This process lets go of it: the client comes back for the rest with Last-Event-ID.
  void outcome.then(({ status }) => status === 'left' && events?.breakOff())
}

/** Streams an execution that was admitted some time ago, running or ended. @param after the last event that the client has */
export async function attach(studio: Studio, reply: FastifyReply, execution: Followed, after: number, options?: EventStreamOptions) {
  const events = openEventStream(reply, { isWelcome: () => reply.request.isStillAdmitted(), ...options })
  const follower = new EventFollower(studio, events, execution, after)
  // Looked at again: it may have ended, or been deleted, between the look and the listening.
  const now = await getExecutionHead(studio.store.read, execution.execution_id).catch(() => undefined)
  if (now) void follower.resume(now.ended_at !== null).catch(() => events.end())
  else events.end()
}

/** For a client that asked for it. What ends the answer by itself, or the server, is no client that leaves. */
function cancelWhenLeft(studio: Studio, reply: FastifyReply, executionId: string): void {
  const { raw } = reply
  const { actor } = reply.request.origin
  const leave = (): void => {
    if (raw.writableEnded) return
    // It may have ended, or been deleted, in the same moment.
    cancel(studio, executionId, { actor }).catch((error: unknown) => {
      if (!(error instanceof ExecutionEnded || error instanceof ExecutionNotFound)) reply.log.error({ err: error }, 'a cancel failed')
    })
  }
  // The client may have left while the execution was admitted.
  if (raw.closed) leave()
  else raw.once('close', leave)
}

/** How it stands with the rate limit of its deployment, where there is one. */
function tellRate(reply: FastifyReply, { rate }: AdmittedExecution): void {
  if (rate) tellLimit(reply, toLimitState('deployment', rate))
}

/** What was answered, or would have been, if it has ended. @throws as `resultOf`, the failure of the execution among it */
function repeatAnswer(studio: Studio, reply: FastifyReply, executionId: string): Promise<ExecutionResult> {
  return resultOf(studio, executionId, () => void reply.header(IDEMPOTENT_REPLAYED, 'true'))
}

function accepted(reply: FastifyReply, execution: ExecutionIdentity, status: 'queued' | 'running') {
  const { execution_id, workflow_id, deployment_id, deployment_name, environment, release_number: release } = execution
  reply.code(202).header('location', `/api/executions/${execution_id}`)
  const test = isTest(execution) && { test: true as const }
  return { execution_id, status, workflow_id, deployment_id, deployment_name, environment, release, ...test }
}
