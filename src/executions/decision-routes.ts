import type { FastifyRequest } from 'fastify'
import { toTimestamp } from '../clock.ts'
import { reaches } from '../access/caller.ts'
import type { Attempt } from '../engine/journal.ts'
import type { App } from '../http/app.ts'
import { decodeCursor, DEFAULT_PAGE, pageQuery, sendPage } from '../http/cursor.ts'
import { Type } from '../http/type.ts'
import type { Decision } from '../nodes/approval/signal.ts'
import type { Studio } from '../studio.ts'
import { findHead } from './find.ts'
import { hideSecrets } from './hide-secrets.ts'
import { decideApproval, isUndecided, listOpenApprovals, sendSignal, type OpenApproval } from './signal-repository.ts'

const tags = ['executions']
const IdParams = Type.Object({ execution_id: Type.String({ format: 'uuid' }) })
const SignalName = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$' })

const DecisionBody = Type.Object(
  {
    step_id: Type.Optional(Type.String({ minLength: 1, maxLength: 1_000, description: 'May be left out where only one step waits.' })),
    comment: Type.Optional(Type.String({ maxLength: 10_000, description: 'Why; kept with the decision.' })),
  },
  { additionalProperties: false },
)

const Approval = Type.Object(
  {
    execution_id: Type.String(),
    step_id: Type.String(),
    name: Type.String(),
    deployment_name: Type.String(),
    environment: Type.String(),
    workflow_id: Type.String(),
    message: Type.String(),
    details: Type.Unknown(),
    requested_at: Type.String({ format: 'date-time' }),
    deadline: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
  },
  { title: 'Approval' },
)

/** What people and other systems say to an execution that waits. */
export function registerDecisionRoutes(app: App, studio: Studio): void {
  const { store, clock, dispatcher } = studio

  app.post(
    '/api/executions/:execution_id/signals/:name',
    {
      config: { scope: 'execute' },
      schema: {
        operationId: 'sendSignal',
        summary: 'Send a signal to an execution',
        description:
          'A step that waits for a signal of that name goes on with the payload; one that is sent before is kept until a step waits for it. Each is taken once, in their order.',
        tags,
        params: Type.Object({ execution_id: Type.String({ format: 'uuid' }), name: SignalName }),
        body: Type.Object({ payload: Type.Optional(Type.Unknown()) }, { additionalProperties: false }),
        response: { 200: Type.Object({ execution_id: Type.String(), name: Type.String(), seq: Type.Integer() }) },
      },
    },
    async ({ params, body, caller, origin }) => {
      const { execution_id, environment } = await findHead(studio, caller, params.execution_id)
      const { name } = params
      const { payload = null } = await hideSecrets(studio, [environment], body)
      const { seq } = await store.write(sendSignal, { execution_id, name, payload, now: clock.now() }, origin)
      dispatcher.heed([execution_id])
      return { execution_id, name, seq }
    },
  )

  for (const [verb, decision] of [
    ['approve', 'approved'],
    ['reject', 'rejected'],
  ] as const satisfies [string, Decision['decision']][]) {
    app.post(
      `/api/executions/:execution_id/${verb}`,
      {
        config: { scope: 'approve' },
        schema: {
          operationId: `${verb}Execution`,
          summary: verb === 'approve' ? 'Approve what an execution waits for' : 'Reject what an execution waits for',
          description: 'The first decision counts; a second one is told who made it.',
          tags,
          params: IdParams,
          body: DecisionBody,
          response: { 200: Type.Object({ execution_id: Type.String(), step_id: Type.String(), decision: Type.String() }) },
        },
      },
      async ({ params, body, caller, origin }) => {
        const { execution_id, environment } = await findHead(studio, caller, params.execution_id)
        const { step_id, comment } = await hideSecrets(studio, [environment], body)
        const decided = await store.write(decideApproval, { execution_id, step_id, comment, decision, now: clock.now() }, origin)
        dispatcher.heed([execution_id])
        return { execution_id, step_id: decided.step_id, decision }
      },
    )
  }

  app.get(
    '/api/approvals',
    {
      config: { scope: 'execution:read' },
      schema: {
        operationId: 'listApprovals',
        summary: 'List what waits for a decision',
        description: 'Those of the oldest executions first.',
        tags,
        querystring: Type.Object(pageQuery, { additionalProperties: false }),
        response: { 200: Type.Array(Approval) },
      },
    },
    async (request, reply) => {
      const { cursor, limit = DEFAULT_PAGE } = request.query
      const rows = await listReachable(studio, request, { after: decodeCursor(cursor, isPlace), limit: limit + 1 })
      return sendPage(request, reply, rows, limit, ({ execution_id, step_id }) => ({ execution_id, step_id })).map(toApproval)
    },
  )
}

type Place = Pick<OpenApproval, 'execution_id' | 'step_id'>

/** What the caller cannot see is left out page by page: few wait for a decision at a time. */
async function listReachable({ store }: Studio, { caller }: FastifyRequest, page: { after: Place | undefined; limit: number }) {
  const found: OpenApproval[] = []
  let { after } = page
  for (;;) {
    const rows = await listOpenApprovals(store.read, { after, limit: page.limit })
    found.push(...rows.filter((row) => isUndecided(row) && reaches(caller, row.environment, row.deployment_name)))
    if (found.length >= page.limit || rows.length < page.limit) return found.slice(0, page.limit)
    after = rows.at(-1)!
  }
}

function toApproval({ input, attempts, sent: _sent, ...row }: OpenApproval) {
  const {
    message = '',
    details = null,
    deadline,
  } = (JSON.parse(input ?? '{}') ?? {}) as { message?: string; details?: unknown; deadline?: number }
  const began = (JSON.parse(attempts) as Attempt[]).at(-1)!.started_at
  return {
    ...row,
    message,
    details,
    requested_at: toTimestamp(began),
    deadline: deadline === undefined ? null : toTimestamp(began + deadline * 1_000),
  }
}

function isPlace(value: unknown): value is Place {
  const place = value as { execution_id?: unknown; step_id?: unknown } | null
  return typeof place?.execution_id === 'string' && typeof place.step_id === 'string'
}
