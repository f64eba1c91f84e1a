import { DeploymentNotFound } from '../errors.ts'
import { statisticsOf } from '../executions/statistics-repository.ts'
import type { App } from '../http/app.ts'
import { decodeCursor, DEFAULT_PAGE, pageQuery, sendPage } from '../http/cursor.ts'
import { preconditionOf } from '../http/etag.ts'
import { readTime } from '../http/query-time.ts'
import { Type } from '../http/type.ts'
import type { Studio } from '../studio.ts'
import type { DeploymentRow } from '../store/tables.ts'
import { checkTraffic } from './check-traffic.ts'
import { named, type Asked } from './named.ts'
import { findDeployments } from './repository.ts'
import { listRouteChanges } from './routing-repository.ts'
import { trafficTag } from './routing.ts'
import { DeploymentName, EnvironmentQuery } from './schemas.ts'
import { servedTraffic, setTraffic } from './traffic-repository.ts'
import { RouteChange, SetTrafficResponse, Traffic, TrafficBody, TrafficQuery } from './traffic-schemas.ts'
import { toStatisticsView } from './statistics-view.ts'
import { toRouteChangeView, toTrafficView } from './traffic-view.ts'

const tags = ['deployments']
const NameParams = Type.Object({ deployment_name: DeploymentName })

export function registerTrafficRoutes(app: App, studio: Studio): void {
  const { store, dispatcher } = studio

  /** The first of that name, whatever its status. @throws DeploymentNotFound */
  const find = async (asked: Asked): Promise<DeploymentRow> => {
    const { name, environments } = named(studio, asked)
    const [found] = await findDeployments(store.read, name, environments)
    if (!found) throw new DeploymentNotFound({ name, searched: [...environments] })
    return found
  }

  app.get(
    '/api/workflows/deployments/:deployment_name/traffic',
    {
      config: { scope: 'workflow:read' },
      schema: {
        operationId: 'getTraffic',
        summary: 'See how executions are divided among releases, and how each of these does',
        description: 'The `ETag` is for `If-Match` of a change.',
        tags,
        params: NameParams,
        querystring: TrafficQuery,
        response: { 200: Traffic },
      },
    },
    async ({ caller, params, query: { since, ...query } }, reply) => {
      const deployment = await find({ caller, name: params.deployment_name, query })
      const served = await servedTraffic(store.read, deployment)
      const from = readTime(since, '?since') ?? served.change.at
      const view = toTrafficView(served)
      const routes = []
      for (const route of view.routes) {
        const statistics = await statisticsOf(store.read, deployment.deployment_id, route.release, from)
        routes.push({ ...route, statistics: toStatisticsView(statistics) })
      }
      reply.header('etag', trafficTag(served.deployment))
      return { ...view, routes }
    },
  )

  app.put(
    '/api/workflows/deployments/:deployment_name/traffic',
    {
      config: { scope: 'deploy', alsoCheck: checkTraffic },
      schema: {
        operationId: 'setTraffic',
        summary: 'Divide executions among releases',
        description:
          'From the answer on, executions that name no release go to these by percentage, those of one `session_id` always to the same one; of the sessions no more move than must. What is in flight stays on its release. A tag can be called at 0 % as well. A deploy, a rollback and a promotion end it. The deployment is the first active one of that name; one that is stopped is 404, since it serves again exactly as it was stopped.',
        tags,
        params: NameParams,
        querystring: EnvironmentQuery,
        body: TrafficBody,
        response: { 200: SetTrafficResponse },
      },
    },
    async (request, reply) => {
      const { caller, params, query, origin } = request
      const { environment, ...wanted } = request.body
      const where = named(studio, {
        caller,
        name: params.deployment_name,
        query,
        body: { ...(environment !== undefined && { environment }) },
      })
      const { deployment_id, unchanged } = await store.write(
        setTraffic,
        { ...where, ...wanted, precondition: preconditionOf(request) },
        origin,
      )
      dispatcher.heedDeployment(deployment_id)
      const deployments = await findDeployments(store.read, where.name, where.environments)
      const deployment = deployments.find((one) => one.deployment_id === deployment_id)
      // Deleted in the same moment.
      if (!deployment) throw new DeploymentNotFound({ name: where.name, searched: [...where.environments] })
      const served = await servedTraffic(store.read, deployment)
      reply.header('etag', trafficTag(served.deployment))
      return { ...toTrafficView(served), unchanged }
    },
  )

  app.get(
    '/api/workflows/deployments/:deployment_name/traffic/changes',
    {
      config: { scope: 'workflow:read' },
      schema: {
        operationId: 'listRouteChanges',
        summary: 'See how the routes came to be',
        description: 'Every change of them by whatever way, newest first: who, when, why, and the routes before and after.',
        tags,
        params: NameParams,
        querystring: Type.Object({ ...EnvironmentQuery.properties, ...pageQuery }, { additionalProperties: false }),
        response: { 200: Type.Array(RouteChange) },
      },
    },
    async (request, reply) => {
      const { cursor, limit = DEFAULT_PAGE, ...query } = request.query
      const { deployment_id } = await find({ caller: request.caller, name: request.params.deployment_name, query })
      const before = decodeCursor(cursor, isNumber)
      const rows = await listRouteChanges(store.read, deployment_id, { before, limit: limit + 1 })
      return sendPage(request, reply, rows, limit, ({ number }) => number).map(toRouteChangeView)
    },
  )
}

const isNumber = (position: unknown): position is number => Number.isSafeInteger(position)
