import { environmentsWithin, reachesName, type Caller } from '../access/caller.ts'
import { Type } from '../http/type.ts'
import { toTimestamp } from '../clock.ts'
import { knownEnvironment, searchOrder } from '../environments.ts'
import { DeploymentNotFound } from '../errors.ts'
import type { App } from '../http/app.ts'
import { decodeCursor, DEFAULT_PAGE, pageQuery, sendPage } from '../http/cursor.ts'
import type { Studio } from '../studio.ts'
import { deploy } from './deploy.ts'
import {
  countInFlight,
  deleteDeployment,
  findDeployments,
  getDeployment,
  listDeployments,
  reactivateDeployment,
  stopDeployment,
} from './repository.ts'
import {
  DeleteResponse,
  DeployBody,
  Deployment,
  DeploymentDetail,
  DeploymentName,
  DeployResponse,
  EnvironmentBody,
  EnvironmentQuery,
  ReactivateResponse,
  StopBody,
  StopResponse,
} from './schemas.ts'
import { toDeploymentDetail, toDeploymentView } from './view.ts'

const tags = ['deployments']
const NameParams = Type.Object({ deployment_name: DeploymentName })

export function registerDeploymentRoutes(app: App, studio: Studio): void {
  const { store, clock, environments } = studio
  /** @throws DeploymentNotFound for a name that the caller cannot see, as for one that there is not */
  const named = (caller: Caller, name: string, query: { environment?: string }, body: { environment?: string } = {}) => {
    const seen = environmentsWithin(caller, environments)
    const searched =
      query.environment === undefined
        ? searchOrder(seen, body.environment, '/environment')
        : searchOrder(seen, query.environment, '?environment')
    if (!reachesName(caller, name)) throw new DeploymentNotFound({ name, searched: [...searched] })
    return { name, environments: searched, now: clock.now() }
  }

  app.post(
    '/api/workflows/:workflow_id/deploy',
    {
      config: { scope: 'deploy', nullIsAbsent: true },
      schema: {
        operationId: 'deployWorkflow',
        summary: 'Deploy a workflow under a name',
        description:
          'Makes the next release of the name in the environment. A new name becomes active; an active one switches over without an execution lost or refused; a stopped one is active again. Without `runtime_config` the last release’s is kept, `{}` resets it.',
        tags,
        params: Type.Object({ workflow_id: Type.String({ format: 'uuid' }) }),
        body: DeployBody,
        response: { 200: DeployResponse },
      },
    },
    ({ params, body, caller, origin }) =>
      deploy(studio, params.workflow_id, { ...body, caller, environment: body.environment ?? 'production' }, origin),
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
        tags,
        params: NameParams,
        querystring: EnvironmentQuery,
        response: { 200: DeploymentDetail },
      },
    },
    async (request) => {
      const { name, environments: searched } = named(request.caller, request.params.deployment_name, request.query)
      const [found] = await findDeployments(store.read, name, searched)
      const record = found && (await getDeployment(store.read, found.deployment_id))
      if (!record) throw new DeploymentNotFound({ name, searched: [...searched] })
      const inFlight = await countInFlight(store.read, [record.deployment_id])
      return toDeploymentDetail(record, inFlight.get(record.deployment_id)!)
    },
  )

  app.post(
    '/api/workflows/deployments/:deployment_name/stop',
    {
      config: { scope: 'deploy', load: 'always', nullIsAbsent: true },
      schema: {
        operationId: 'stopDeployment',
        summary: 'Stop a deployment',
        description:
          'From the answer on no execution is accepted. Those in flight end normally (`drain`), are cancelled when this is answered (`cancel`), or rest before their next step until the deployment is reactivated (`freeze`). Record and statistics are kept. One that is stopped already stays so, and `mode` says what becomes of what is still in flight.',
        tags,
        params: NameParams,
        querystring: EnvironmentQuery,
        body: StopBody,
        response: { 200: StopResponse },
      },
    },
    async (request) => {
      const { caller, query, body } = request
      const { mode, ...where } = body
      const stop = { ...named(caller, request.params.deployment_name, query, where), mode }
      const { deployment: stopped, cancelled, frozen, thawed } = await store.write(stopDeployment, stop, request.origin)
      studio.dispatcher.heed([...frozen, ...thawed])
      await studio.dispatcher.cancel(cancelled)
      const inFlight = await countInFlight(store.read, [stopped.deployment_id])
      return {
        message: `Deployment '${stopped.name}' stopped successfully`,
        deployment_id: stopped.deployment_id,
        environment: stopped.environment,
        status: 'inactive' as const,
        stopped_at: toTimestamp(stopped.stopped_at!),
        in_flight: inFlight.get(stopped.deployment_id)!,
      }
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
