import type { FastifyRequest } from 'fastify'
import type { Static } from 'typebox'
import { environmentsWithin, type Caller } from '../access/caller.ts'
import { checkEnvironment } from '../environments.ts'
import type { Issue } from '../errors.ts'
import { checkChatHistory } from '../executions/chat-history.ts'
import { answerAsStream, answerAtOnce, answerWhole, readQuestion, type Start } from '../executions/execute-routes.ts'
import { AcceptedResponse, BackgroundQuestionBody, ExecuteResponse, QuestionBody } from '../executions/schemas.ts'
import type { App } from '../http/app.ts'
import { EXECUTE_BODY_LIMIT } from '../http/json-body.ts'
import { Type } from '../http/type.ts'
import type { Studio } from '../studio.ts'
import { runDraft } from './run-draft.ts'

const tags = ['workflows']
const params = Type.Object({ workflow_id: Type.String({ format: 'uuid' }) })
const streamed = { description: 'A stream of server-sent events', content: { 'text/event-stream': { schema: Type.String() } } }

interface Asked {
  caller: Caller
  params: { workflow_id: string }
  body: Static<typeof QuestionBody>
}

/** Run a workflow as it is being edited. */
export function registerDraftRoutes(app: App, studio: Studio): void {
  const check = (body: Readonly<Record<string, unknown>>, { caller }: FastifyRequest): Issue[] => [
    ...checkChatHistory(body['chat_history']),
    ...checkEnvironment(environmentsWithin(caller, studio.environments), body['environment'], '/environment'),
  ]
  const config = { scope: 'execute', load: 'work', nullIsAbsent: true, alsoCheck: check } as const

  const startOf = ({ caller, params: { workflow_id }, body }: Asked): Start => {
    const request = { caller, workflow_id, environment: body.environment, ...readQuestion(body) }
    return { cancels: body.on_disconnect === 'cancel', run: (begin) => runDraft(studio, request, begin) }
  }

  app.post(
    '/api/workflows/:workflow_id/execute',
    {
      bodyLimit: EXECUTE_BODY_LIMIT,
      config,
      schema: {
        operationId: 'executeDraft',
        summary: 'Run a workflow as it is now, and wait for its answer',
        description:
          'A test of the draft: it is checked like for a deploy, marked with `test: true`, and counted in no deployment. It goes on with what it began with when the workflow is edited.',
        tags,
        params,
        body: QuestionBody,
        response: { 200: ExecuteResponse },
      },
    },
    (request, reply) => answerWhole(studio, request, reply, startOf(request)),
  )

  app.post(
    '/api/workflows/:workflow_id/execute/async',
    {
      bodyLimit: EXECUTE_BODY_LIMIT,
      config,
      schema: {
        operationId: 'executeDraftAsync',
        summary: 'Run a workflow as it is now, in the background',
        description: 'Answers as soon as the execution is on disk. `Location` is where to look for how it goes.',
        tags,
        params,
        body: BackgroundQuestionBody,
        response: { 202: AcceptedResponse },
      },
    },
    (request, reply) => answerAtOnce(studio, request, reply, startOf(request)),
  )

  app.post(
    '/api/workflows/:workflow_id/execute/stream',
    {
      bodyLimit: EXECUTE_BODY_LIMIT,
      config,
      schema: {
        operationId: 'executeDraftStream',
        summary: 'Run a workflow as it is now, and stream its events',
        description: 'Server-sent events, as those of a deployment; `deployment_name` is empty in them.',
        tags,
        params,
        body: QuestionBody,
        response: { 200: streamed },
      },
    },
    async (request, reply) => {
      await answerAsStream(studio, request, reply, startOf(request))
      return reply
    },
  )
}
