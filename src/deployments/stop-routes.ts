import { toTimestamp, toTimestampOrNull } from '../clock.ts'
import { DeploymentNotFound, type Issue } from '../errors.ts'
import type { App } from '../http/app.ts'
import { isStopping } from '../http/stopping.ts'
import { Type } from '../http/type.ts'
import type { Studio } from '../studio.ts'
import { awaitDrain } from './drain.ts'
import { named } from './named.ts'
import { countInFlight, findDeployments } from './repository.ts'
import { DeploymentName, EnvironmentQuery } from './schemas.ts'
import type { StopDeadlines } from './stop-deadlines.ts'
import { stopDeployment } from './stop-repository.ts'
import { Drain, DrainQuery, StopBody, StopResponse } from './stop-schemas.ts'

const tags = ['deployments']
const NameParams = Type.Object({ deployment_name: DeploymentName })

export function registerStopRoutes(app: App, studio: Studio, deadlines: Pick<StopDeadlines, 'note'>): void {
  const { store, dispatcher } = studio

  app.post(
    '/api/workflows/deployments/:deployment_name/stop',
    {
      config: { scope: 'deploy', load: 'always', nullIsAbsent: true, alsoCheck: checkDeadline },
      schema: {
        operationId: 'stopDeployment',
        summary: 'Stop a deployment',
        description:
          'From the answer on no execution is accepted. Those in flight end normally (`drain`), are cancelled when this is answered (`cancel`), or rest before their next step until the deployment is reactivated (`freeze`). With a `deadline`, what is left by then is cancelled. Record and statistics are kept. One that is stopped already stays so, and `mode` says what becomes of what is still in flight.',
        tags,
        params: NameParams,
        querystring: EnvironmentQuery,
        body: StopBody,
        response: { 200: StopResponse },
      },
    },
    async ({ caller, query, body, params, origin }) => {
      const { mode, deadline, ...where } = body
      const wanted = { ...named(studio, { caller, name: params.deployment_name, query, body: where }), mode, deadline }
      const { deployment: stopped, stop, cancelled, frozen, thawed } = await store.write(stopDeployment, wanted, origin)
      if (stop.deadline_at !== null) deadlines.note(stop.deadline_at)
      dispatcher.heed([...frozen, ...thawed])
      await dispatcher.cancel(cancelled)
      const inFlight = await countInFlight(store.read, [stopped.deployment_id])
      return {
        message: `Deployment '${stopped.name}' stopped successfully`,
        deployment_id: stopped.deployment_id,
        environment: stopped.environment,
        status: 'inactive' as const,
        stopped_at: toTimestamp(stopped.stopped_at!),
        mode: stop.mode,
        deadline: toTimestampOrNull(stop.deadline_at),
        cancelled: cancelled.length,
        in_flight: inFlight.get(stopped.deployment_id)!,
      }
    },
  )

  app.get(
    '/api/workflows/deployments/:deployment_name/drain',
    {
      config: { scope: 'workflow:read' },
      schema: {
        operationId: 'getDrain',
        summary: 'See how far a stop has come',
        description:
          'What is still in flight, what was cancelled, and whether it is done. With `wait` the answer comes when it is done, or after so many seconds.',
        tags,
        params: NameParams,
        querystring: DrainQuery,
        response: { 200: Drain },
      },
    },
    async (request) => {
      const { caller, query, params } = request
      const { wait = 0, ...where } = query
      const { name, environments } = named(studio, { caller, name: params.deployment_name, query: where })
      const look = async () => {
        const [found] = await findDeployments(store.read, name, environments)
        if (!found) throw new DeploymentNotFound({ name, searched: [...environments] })
        return found
      }
      const isGone = (): boolean => request.raw.socket.destroyed || isStopping(app.server)
      return awaitDrain(studio, look, { waitMs: wait * 1_000, isGone })
    },
  )
}

function checkDeadline({ mode, deadline }: Readonly<Record<string, unknown>>): Issue[] {
  if (mode !== 'cancel' || deadline === undefined) return []
  return [{ pointer: '/deadline', code: 'not_allowed', message: 'A cancel is done when it is answered, so it takes no deadline.' }]
}
