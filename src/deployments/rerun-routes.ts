import { Id } from '../http/fields.ts'
import type { App } from '../http/app.ts'
import { readTime } from '../http/query-time.ts'
import { Type } from '../http/type.ts'
import type { Studio } from '../studio.ts'
import { named } from './named.ts'
import { cancelExecutions, rerunExecutions } from './rerun-repository.ts'
import { DeploymentName, EnvironmentBody, EnvironmentQuery } from './schemas.ts'

const tags = ['deployments']
const NameParams = Type.Object({ deployment_name: DeploymentName })

/** Executions that one call runs again, or cancels. */
const MOST = 500
const DEFAULT_MOST = 100

const release = Type.Integer({ minimum: 1, description: 'Only those that ran on it.' })
const filter = {
  from: Type.Optional(Type.String({ format: 'date-time', description: 'Accepted at this time or later.' })),
  to: Type.Optional(Type.String({ format: 'date-time', description: 'Accepted before this time.' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MOST, description: `At most so many. Default ${DEFAULT_MOST}.` })),
  ...EnvironmentBody.properties,
}

const statuses = <Status extends string>(all: Status[], text: string) =>
  Type.Optional(Type.Array(Type.Enum(all), { minItems: 1, maxItems: 3, description: text }))

const RerunBody = Type.Object(
  { release, status: statuses(['completed', 'failed', 'cancelled'], 'How they ended. Default: failed.'), ...filter },
  { additionalProperties: false, examples: [{ release: 2, status: ['failed'] }] },
)
const CancelBody = Type.Object(
  { release: Type.Optional(release), status: statuses(['queued', 'running', 'waiting'], 'Default: all in flight.'), ...filter },
  { additionalProperties: false, examples: [{ release: 2 }] },
)

const where = { deployment_id: Id, deployment_name: Type.String(), environment: Type.String() }
const remaining = Type.Integer({ description: 'That match and are left; counted up to 10,000.' })

const RerunResponse = Type.Object({
  message: Type.String(),
  ...where,
  rerun: Type.Integer(),
  remaining,
  stopped_by: Type.Union([Type.Object({ code: Type.String(), message: Type.String() }), Type.Null()], {
    description: 'The limit that let no more of them in; repeat the call later.',
  }),
  executions: Type.Array(Type.Object({ execution_id: Id, rerun_id: Id })),
})
const CancelResponse = Type.Object({
  message: Type.String(),
  ...where,
  cancelled: Type.Integer(),
  remaining,
  execution_ids: Type.Array(Id),
})

/** What is done to the executions that a bad release touched. */
export function registerRerunRoutes(app: App, studio: Studio): void {
  const { store, clock, dispatcher } = studio

  app.post(
    '/api/workflows/deployments/:deployment_name/executions/rerun',
    {
      config: { scope: 'execute', load: 'work' },
      schema: {
        operationId: 'rerunExecutions',
        summary: 'Run executions again',
        description:
          'The same requests as new executions, on what serves now, the oldest first. Each is run again once in this way, so a repeated call takes the next ones, until `remaining` is 0.',
        tags,
        params: NameParams,
        querystring: EnvironmentQuery,
        body: RerunBody,
        response: { 200: RerunResponse },
      },
    },
    async ({ caller, params, query, body, origin }) => {
      const { release: ranOn, status = ['failed' as const], from, to, limit = DEFAULT_MOST, ...place } = body
      const most = Math.min(limit, caller.limits.concurrency ?? limit)
      const { deployment, executions, ...rest } = await store.write(
        rerunExecutions,
        {
          ...named(studio, { caller, name: params.deployment_name, query, body: place }),
          release: ranOn,
          status: [...new Set(status)],
          from: readTime(from, '/from'),
          to: readTime(to, '/to'),
          limit: most,
          ids: Array.from({ length: most }, () => clock.id()),
          api_key_id: caller.key_id === '' ? null : caller.key_id,
          deployment_pattern: caller.deployment_pattern,
        },
        origin,
      )
      dispatcher.heed(executions.map(({ rerun_id }) => rerun_id))
      const { name: deployment_name, deployment_id, environment } = deployment
      const message = `${executions.length} executions of '${deployment_name}' run again`
      return { message, deployment_id, deployment_name, environment, rerun: executions.length, ...rest, executions }
    },
  )

  app.post(
    '/api/workflows/deployments/:deployment_name/executions/cancel',
    {
      config: { scope: 'execute', load: 'always' },
      schema: {
        operationId: 'cancelExecutions',
        summary: 'Cancel executions',
        description: 'Those of one release, for instance. When it is answered their ends are on disk and their calls are aborted.',
        tags,
        params: NameParams,
        querystring: EnvironmentQuery,
        body: CancelBody,
        response: { 200: CancelResponse },
      },
    },
    async ({ caller, params, query, body, origin }) => {
      const {
        release: ranOn,
        status = ['queued' as const, 'running' as const, 'waiting' as const],
        from,
        to,
        limit = DEFAULT_MOST,
        ...place
      } = body
      const times = { from: readTime(from, '/from'), to: readTime(to, '/to') }
      const asked = named(studio, { caller, name: params.deployment_name, query, body: place })
      const {
        deployment,
        cancelled,
        remaining: left,
      } = await store.write(cancelExecutions, { ...asked, release: ranOn, status: [...new Set(status)], ...times, limit }, origin)
      await dispatcher.cancel(cancelled)
      const { name: deployment_name, deployment_id, environment } = deployment
      return {
        message: `${cancelled.length} executions of '${deployment_name}' were cancelled`,
        deployment_id,
        deployment_name,
        environment,
        cancelled: cancelled.length,
        remaining: left,
        execution_ids: cancelled.map(({ execution_id }) => execution_id),
      }
    },
  )
}
