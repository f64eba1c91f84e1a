import type { FastifyRequest } from 'fastify'
import type { Static } from 'typebox'
import { environmentsWithin, type Caller } from '../access/caller.ts'
import { findKeyName } from '../access/repository.ts'
import { Type } from '../http/type.ts'
import { InvalidInput, type Issue, type StudioError } from '../errors.ts'
import { checkEnvironment, knownEnvironment } from '../environments.ts'
import type { AdmissionTarget } from '../engine/journal.ts'
import type { App } from '../http/app.ts'
import { decodeCursor, DEFAULT_PAGE, pageQuery, sendPage } from '../http/cursor.ts'
import { EXECUTE_BODY_LIMIT } from '../http/json-body.ts'
import { readTime } from '../http/query-time.ts'
import { isUuid } from '../http/uuid.ts'
import type { ExecutionRow } from '../store/tables.ts'
import type { Studio } from '../studio.ts'
import { checkChatHistory } from './chat-history.ts'
import { cancel, resume, type ExecuteRequest } from './execute.ts'
import { answerAsStream, answerAtOnce, answerWhole, attach, readQuestion, type Start } from './execute-routes.ts'
import { findExecution, findHead } from './find.ts'
import { listExecutions } from './list-repository.ts'
import { deleteExecution } from './removal-repository.ts'
import { costOfExecution, lastEventId, listSteps } from './repository.ts'
import {
  AcceptedResponse,
  BackgroundBody,
  DeletedExecution,
  ExecuteBody,
  ExecuteResponse,
  Execution,
  ExecutionSummary,
  Step,
} from './schemas.ts'
import { webhooksOf } from '../webhooks/repository.ts'
import { toWebhookView } from '../webhooks/view.ts'
import { routingOf } from './routing-view.ts'
import { toExecutionView, toStepView, toSummaryView, type ExecutionView } from './view.ts'

const tags = ['executions']
const IdParams = Type.Object({ execution_id: Type.String({ format: 'uuid' }) })
const streamed = { description: 'A stream of server-sent events', content: { 'text/event-stream': { schema: Type.String() } } }

export function registerExecutionRoutes(app: App, studio: Studio): void {
  const { store, clock } = studio
  const checkRequest = (body: Readonly<Record<string, unknown>>, { caller }: FastifyRequest): Issue[] => [
    ...checkTarget(body),
    ...checkRoute(body),
    ...checkChatHistory(body['chat_history']),
    ...checkEnvironment(environmentsWithin(caller, studio.environments), body['environment'], '/environment'),
  ]

  const showExecution = async (caller: Caller, row: ExecutionRow): Promise<ExecutionView> => {
    const key = row.api_key_id === null ? null : { key_id: row.api_key_id, name: await findKeyName(store.read, row.api_key_id) }
    const cost = await costOfExecution(store.read, row.execution_id)
    const view = toExecutionView(row, { api_key: key, cost, routing: await routingOf(store.read, caller, row) })
    if (view.runtime_config.on_failure) view.webhooks = (await webhooksOf(store.read, row.execution_id)).map(toWebhookView)
    return view
  }

  app.post(
    '/api/workflows/execute',
    {
      bodyLimit: EXECUTE_BODY_LIMIT,
      config: { scope: 'execute', load: 'work', nullIsAbsent: true, alsoCheck: checkRequest },
      schema: {
        operationId: 'execute',
        summary: 'Run a deployment and wait for its answer',
        description:
          'The execution goes on when the client leaves. A failed one is answered with a problem that carries its `execution_id`.',
        tags,
        body: ExecuteBody,
        response: { 200: ExecuteResponse },
      },
    },
    (request, reply) => answerWhole(studio, request, reply, startOf(request)),
  )

  app.post(
    '/api/workflows/execute/async',
    {
      bodyLimit: EXECUTE_BODY_LIMIT,
      config: { scope: 'execute', load: 'work', nullIsAbsent: true, alsoCheck: checkRequest },
      schema: {
        operationId: 'executeAsync',
        summary: 'Run a deployment in the background',
        description:
          'Answers as soon as the execution is on disk. `Location` is where to look for how it goes; its events can be streamed.',
        tags,
        body: BackgroundBody,
        response: { 202: AcceptedResponse },
      },
    },
    (request, reply) => answerAtOnce(studio, request, reply, startOf(request)),
  )

  app.post(
    '/api/workflows/execute/stream',
    {
      bodyLimit: EXECUTE_BODY_LIMIT,
      config: { scope: 'execute', load: 'work', nullIsAbsent: true, alsoCheck: checkRequest },
      schema: {
        operationId: 'executeStream',
        summary: 'Run a deployment and stream its events',
        description: 'Server-sent events: a `status` event, the pieces of the answer as `content`, and a last `status` event.',
        tags,
        body: ExecuteBody,
        response: { 200: streamed },
      },
    },
    async (request, reply) => {
      await answerAsStream(studio, request, reply, startOf(request))
      return reply
    },
  )

  app.get(
    '/api/executions',
    {
      config: { scope: 'execution:read' },
      schema: {
        operationId: 'listExecutions',
        summary: 'List executions',
        description: 'Newest first.',
        tags,
        querystring: Type.Object(
          {
            deployment_name: Type.Optional(Type.String({ maxLength: 200 })),
            environment: Type.Optional(Type.String({ maxLength: 200 })),
            workflow_id: Type.Optional(Type.String({ format: 'uuid' })),
            status: Type.Optional(Type.Enum(['queued', 'running', 'waiting', 'completed', 'failed', 'cancelled'])),
            release: Type.Optional(Type.Integer({ minimum: 1 })),
            session_id: Type.Optional(Type.String({ maxLength: 200 })),
            test: Type.Optional(Type.Boolean({ description: 'Only executions of drafts, or none of them.' })),
            from: Type.Optional(Type.String({ format: 'date-time', description: 'Accepted at this time or later.' })),
            to: Type.Optional(Type.String({ format: 'date-time', description: 'Accepted before this time.' })),
            ...pageQuery,
          },
          { additionalProperties: false },
        ),
        response: { 200: Type.Array(ExecutionSummary) },
      },
    },
    async (request, reply) => {
      const { cursor, limit = DEFAULT_PAGE, from, to, ...filter } = request.query
      const { caller } = request
      if (filter.environment !== undefined)
        knownEnvironment(environmentsWithin(caller, studio.environments), filter.environment, '?environment')
      const before = decodeCursor(cursor, isExecutionId)
      const times = { from: readTime(from, '?from'), to: readTime(to, '?to') }
      const rows = await listExecutions(store.read, { ...filter, ...times, reach: caller, before, limit: limit + 1 })
      return sendPage(request, reply, rows, limit, (row) => row.execution_id).map(toSummaryView)
    },
  )

  app.get(
    '/api/executions/:execution_id',
    {
      config: { scope: 'execution:read' },
      schema: { operationId: 'getExecution', summary: 'Look at an execution', tags, params: IdParams, response: { 200: Execution } },
    },
    async ({ caller, params }) => showExecution(caller, await findExecution(studio, caller, params.execution_id)),
  )

  app.post(
    '/api/executions/:execution_id/cancel',
    {
      config: { scope: 'execute', load: 'always' },
      schema: {
        operationId: 'cancelExecution',
        summary: 'Cancel an execution',
        description: 'When it is answered the end is on disk and the calls of models are aborted. One that has ended is 409.',
        tags,
        params: IdParams,
        response: { 200: Execution },
      },
    },
    async (request) => {
      const { caller, origin } = request
      const { execution_id } = await findHead(studio, caller, request.params.execution_id)
      await cancel(studio, execution_id, origin)
      return showExecution(caller, await findExecution(studio, caller, execution_id))
    },
  )

  app.post(
    '/api/executions/:execution_id/resume',
    {
      config: { scope: 'execute' },
      schema: {
        operationId: 'resumeExecution',
        summary: 'Resume a failed execution',
        description:
          'It goes on, on its release, from the step that failed: what was recorded is kept, the failed step has all its retries again, and the timeout begins anew. Its stream goes on with the next id. One that has not failed is 409.',
        tags,
        params: IdParams,
        response: { 202: Execution },
      },
    },
    async (request, reply) => {
      const { caller, origin } = request
      const { execution_id } = await findHead(studio, caller, request.params.execution_id)
      await resume(studio, execution_id, origin)
      reply.code(202).header('location', `/api/executions/${execution_id}`)
      return showExecution(caller, await findExecution(studio, caller, execution_id))
    },
  )

  app.delete(
    '/api/executions/:execution_id',
    {
      config: { scope: 'deploy' },
      schema: {
        operationId: 'deleteExecution',
        summary: 'Delete an execution',
        description:
          'One that has ended, with its steps and events: irreversible, and at once. The statistics of its deployment stay. One in flight is 409; cancel it first.',
        tags,
        params: IdParams,
        response: { 200: DeletedExecution },
      },
    },
    async (request) => {
      const { execution_id } = await findHead(studio, request.caller, request.params.execution_id)
      await store.write(deleteExecution, { execution_id, now: clock.now() }, request.origin)
      studio.purge()
      return { message: 'Execution deleted successfully', execution_id }
    },
  )

  app.get(
    '/api/executions/:execution_id/steps',
    {
      config: { scope: 'execution:read' },
      schema: {
        operationId: 'listSteps',
        summary: 'List the steps of an execution',
        description: 'In the order in which they began, each with its attempts.',
        tags,
        params: IdParams,
        querystring: Type.Object(pageQuery, { additionalProperties: false }),
        response: { 200: Type.Array(Step) },
      },
    },
    async (request, reply) => {
      const { execution_id } = await findHead(studio, request.caller, request.params.execution_id)
      const { cursor, limit = DEFAULT_PAGE } = request.query
      const after = decodeCursor(cursor, isStepPosition) ?? 0
      const rows = await listSteps(store.read, execution_id, { after, limit: limit + 1 })
      return sendPage(request, reply, rows, limit, (row) => row.position).map(toStepView)
    },
  )

  app.get(
    '/api/executions/:execution_id/events',
    {
      config: { scope: 'execution:read' },
      schema: {
        operationId: 'followExecution',
        summary: 'Stream the events of an execution',
        description:
          'From the start, or after the id in the header `Last-Event-ID`, while it runs and after it has ended. 204: there are no more.',
        tags,
        params: IdParams,
        headers: Type.Object({ 'last-event-id': Type.Optional(Type.String({ description: 'The last id that the client has.' })) }),
        response: { 200: streamed, 204: Type.Null({ description: 'The execution has ended and the client has its last event.' }) },
      },
    },
    async (request, reply) => {
      const execution = await findHead(studio, request.caller, request.params.execution_id)
      const after = readLastEventId(request)
      const last = execution.ended_at === null ? await lastEventId(store.read, execution.execution_id) : execution.last_event_id
      if (after > last) throw badEventId(`'Last-Event-ID' is beyond the last event, which is ${last}.`)
      if (execution.ended_at !== null && after === last) return reply.code(204).send(null)
      await attach(studio, reply, execution, after)
      return reply
    },
  )
}

const isExecutionId = (position: unknown): position is string => typeof position === 'string' && isUuid(position)
const isStepPosition = (position: unknown): position is number => Number.isSafeInteger(position) && (position as number) > 0

function readLastEventId(request: FastifyRequest): number {
  const header = request.headers['last-event-id']
  if (header === undefined) return 0
  if (typeof header === 'string' && /^\d{1,15}$/.test(header)) return Number(header)
  throw badEventId("'Last-Event-ID' must be the id of an event, which is a whole number.")
}

function badEventId(message: string): StudioError {
  return new InvalidInput({ errors: [{ pointer: 'Last-Event-ID', code: 'not_allowed', message }] })
}

function startOf({
  caller,
  body,
}: {
  caller: Caller
  body: Static<typeof BackgroundBody> & { on_disconnect?: 'continue' | 'cancel' }
}): Start {
  return { cancels: body.on_disconnect === 'cancel', run: (begin) => begin(toRequest(caller, body)) }
}

function toRequest(caller: Caller, body: Static<typeof BackgroundBody>): ExecuteRequest {
  return {
    caller,
    target: readTarget(body),
    environment: body.environment,
    ...readRoute(body),
    ...readQuestion(body),
  }
}

function checkTarget({ deployment_name, workflow_id }: Readonly<Record<string, unknown>>): Issue[] {
  if (deployment_name !== undefined || workflow_id !== undefined) return []
  const message = "Say what to run: 'deployment_name', or 'workflow_id' for the newest active deployment of a workflow."
  return [{ pointer: '/deployment_name', code: 'required', message }]
}

function checkRoute({ release, tag }: Readonly<Record<string, unknown>>): Issue[] {
  if (release === undefined || tag === undefined) return []
  return [{ pointer: '/tag', code: 'not_allowed', message: "Ask for a 'release' or for a 'tag', not for both." }]
}

function readRoute({ release, tag }: Static<typeof BackgroundBody>): Pick<ExecuteRequest, 'route'> {
  if (release !== undefined) return { route: { release } }
  return tag === undefined ? {} : { route: { tag } }
}

/** @param body that was checked */
function readTarget({ deployment_name, workflow_id }: Static<typeof BackgroundBody>): AdmissionTarget {
  const workflow = workflow_id?.toLowerCase()
  if (deployment_name === undefined) return { workflow_id: workflow! }
  return { deployment_name, ...(workflow !== undefined && { workflow_id: workflow }) }
}
