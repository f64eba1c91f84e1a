import { environmentsWithin, type Caller } from '../access/caller.ts'
import { Type } from '../http/type.ts'
import { knownEnvironment } from '../environments.ts'
import { DeploymentNotFound } from '../errors.ts'
import type { App } from '../http/app.ts'
import { decodeCursor, DEFAULT_PAGE, pageQuery, sendPage } from '../http/cursor.ts'
import type { Studio } from '../studio.ts'
import { deploy, rehearseDeploy } from './deploy.ts'
import { DeployAnswerSchema, releaseOptions, WaitingSchema } from './life-cycle-schemas.ts'
import { named as whereNamed } from './named.ts'
import { countInFlight, deleteDeployment, findDeployments, getDeployment, listDeployments, reactivateDeployment } from './repository.ts'
import {
  DeleteResponse,
  DeployBody,
  Deployment,
  DeploymentDetail,
  DeploymentName,
  EnvironmentBody,
  EnvironmentQuery,
  ReactivateResponse,
} from './schemas.ts'
import { trafficTag } from './routing.ts'
import { DeploymentByItself, standingOf } from './standing.ts'
import { toDeploymentDetail, toDeploymentView } from './view.ts'

const tags = ['deployments']
const DeployBodyWithOptions = Type.Object(
  { ...DeployBody.properties, ...releaseOptions },
  { additionalProperties: false, examples: [{ deployment_name: 'support', environment: 'production' }] },
)
const NameParams = Type.Object({ deployment_name: DeploymentName })

export function registerDeploymentRoutes(app: App, studio: Studio): void {
  const { store, environments } = studio
  const named = (caller: Caller, name: string, query: { environment?: string }, body: { environment?: string } = {}) =>
    whereNamed(studio, { caller, name, query, body })

  app.post(
    '/api/workflows/:workflow_id/deploy',
    {
      config: { scope: 'deploy', nullIsAbsent: true },
      schema: {
        operationId: 'deployWorkflow',
        summary: 'Deploy a workflow under a name',
        description:
          'Makes the next release of the name in the environment. A new name becomes active; an active one switches over without an execution lost or refused; a stopped one is active again. Without `runtime_config` that of the live release is kept, `{}` resets it. In an environment that asks for a second API key it is proposed instead: 202.',
        tags,
        params: Type.Object({ workflow_id: Type.String({ format: 'uuid' }) }),
        body: DeployBodyWithOptions,
        response: { 200: DeployAnswerSchema, 202: WaitingSchema },
      },
    },
    async ({ params, body, caller, origin }, reply) => {
      const { dry_run, environment = 'production', ...options } = body
      const request = { ...options, caller, environment }
      if (dry_run) return rehearseDeploy(studio, params.workflow_id, request)
      const answer = await deploy(studio, params.workflow_id, request, origin)
      if ('proposal' in answer) reply.code(202)
      return answer
    },
  )

  app.get(
    '/api/workflows/deployments/active',
    {
      config: { scope: 'workflow:read' },
      schema: {
        operationId: 'listActiveDeployments',
        summary: 'List the active deployments',
        description: 'All of them, in all environments, by name.',
        tags,
        response: { 200: Type.Array(Deployment) },
      },
    },
    async ({ caller }) => (await listDeployments(store.read, { reach: caller, status: 'active' })).map(toDeploymentView),
  )

  app.get(
    '/api/workflows/deployments',
    {
      config: { scope: 'workflow:read' },
      schema: {
        operationId: 'listDeployments',
        summary: 'List deployments',
        description: 'Active and stopped ones, by name and environment.',
        tags,
        querystring: Type.Object(
          {
            environment: Type.Optional(Type.String()),
            status: Type.Optional(Type.Enum(['active', 'inactive'])),
            q: Type.Optional(Type.String({ maxLength: 128, description: 'A part of the name, in capitals or not.' })),
            ...pageQuery,
          },
          { additionalProperties: false },
        ),
        response: { 200: Type.Array(DeploymentDetail) },
      },
    },
    async (request, reply) => {
      const { environment, status, q, cursor, limit = DEFAULT_PAGE } = request.query
      const { caller } = request
      if (environment !== undefined) knownEnvironment(environmentsWithin(caller, environments), environment, '?environment')
      const after = decodeCursor(cursor, isPosition)
      const rows = await listDeployments(store.read, { reach: caller, environment, status, q, after, limit: limit + 1 })
      const page = sendPage(request, reply, rows, limit, ({ name, environment: where }) => ({ name, environment: where }))
      const inFlight = await countInFlight(
        store.read,
        page.map((row) => row.deployment_id),
      )
      return page.map((row) => toDeploymentDetail(row, inFlight.get(row.deployment_id)!))
    },
  )

  app.get(
    '/api/workflows/deployments/:deployment_name',
    {
      config: { scope: 'workflow:read' },
      schema: {
        operationId: 'getDeployment',
        summary: 'Look at a deployment',
        description: 'The `ETag` is for `If-Match` of a change of its traffic or its runtime configuration.',
        tags,
        params: NameParams,
        querystring: EnvironmentQuery,
        response: { 200: DeploymentByItself },
      },
    },
    async (request, reply) => {
      const { name, environments: searched } = named(request.caller, request.params.deployment_name, request.query)
      const [found] = await findDeployments(store.read, name, searched)
      const record = found && (await getDeployment(store.read, found.deployment_id))
      if (!record) throw new DeploymentNotFound({ name, searched: [...searched] })
      const inFlight = await countInFlight(store.read, [record.deployment_id])
      reply.header('etag', trafficTag(record))
      return { ...toDeploymentDetail(record, inFlight.get(record.deployment_id)!), ...(await standingOf(studio, record)) }
    },
  )

  app.post(
    '/api/workflows/deployments/:deployment_name/reactivate',
    {
      config: { scope: 'deploy', nullIsAbsent: true },
      schema: {
        operationId: 'reactivateDeployment',
        summary: 'Reactivate a stopped deployment',
        description: 'What was stopped serves again: the same release, the same statistics. Frozen executions go on.',
        tags,
        params: NameParams,
        querystring: EnvironmentQuery,
        body: EnvironmentBody,
        response: { 200: ReactivateResponse },
      },
    },
    async (request) => {
      const { caller, query, body } = request
      const name = request.params.deployment_name
      const { record, thawed } = await store.write(reactivateDeployment, named(caller, name, query, body), request.origin)
      studio.dispatcher.heed(thawed)
      return { message: `Deployment '${name}' reactivated successfully`, ...toDeploymentView(record) }
    },
  )

  app.delete(
    '/api/workflows/deployments/:deployment_name',
    {
      config: { scope: 'deploy', nullIsAbsent: true },
      schema: {
        operationId: 'deleteDeployment',
        summary: 'Delete a deployment',
        description:
          'Irreversible: its record, statistics, releases and executions are gone at once; executions in flight are cancelled. The name is free again.',
        tags,
        params: NameParams,
        querystring: EnvironmentQuery,
        response: { 200: DeleteResponse },
      },
    },
    async (request) => {
      const name = request.params.deployment_name
      const { deployment_id, environment, cancelled } = await store.write(
        deleteDeployment,
        named(request.caller, name, request.query),
        request.origin,
      )
      await studio.dispatcher.cancel(cancelled)
      studio.purge()
      return { message: `Deployment '${name}' deleted successfully`, deployment_id, environment }
    },
  )
}

function isPosition(value: unknown): value is { name: string; environment: string } {
  const position = value as { name?: unknown; environment?: unknown } | null
  return typeof position?.name === 'string' && typeof position.environment === 'string'
}
