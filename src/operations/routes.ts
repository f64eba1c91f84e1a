import { Type } from '../http/type.ts'
import type { App } from '../http/app.ts'
import { sendProblem } from '../http/problem.ts'
import type { Store } from '../store/store.ts'
import type { Metrics } from './metrics.ts'
import type { Readiness } from './readiness.ts'
import { TEXT_FORMAT } from './text-format.ts'

const tags = ['operations']

/** For whatever watches over the server: supervisors, load balancers, collectors of metrics. */
export function registerOperationRoutes(app: App, options: { readiness: Readiness; metrics: Metrics; store: Store }): void {
  const { readiness, metrics, store } = options

  app.get(
    '/healthz',
    {
      config: { scope: 'none', load: 'always', answersWhileClosing: true },
      schema: {
        operationId: 'checkHealth',
        summary: 'Ask whether the process answers',
        description: 'It does until it ends, also while it stops. A process that does not answer this should be started again.',
        tags,
        response: { 200: Type.Object({ status: Type.Literal('ok') }) },
      },
    },
    () => ({ status: 'ok' as const }),
  )

  app.get(
    '/readyz',
    {
      config: { scope: 'none', load: 'always' },
      schema: {
        operationId: 'checkReadiness',
        summary: 'Ask whether the server takes work',
        description:
          'A problem of status 503 says why not: `shutting_down`, `storage_full` while the disk is full, `storage_unknown` once it has failed.',
        tags,
        response: { 200: Type.Object({ status: Type.Literal('ready') }) },
      },
    },
    async (_request, reply) => {
      const obstacle = await readiness.obstacle()
      if (!obstacle) return { status: 'ready' as const }
      // Whatever its own status is: to those who ask here it says that the service is not available.
      sendProblem(reply, obstacle, 503)
      return reply
    },
  )

  app.get(
    '/metrics',
    {
      config: { scope: 'workflow:read', load: 'always' },
      schema: {
        operationId: 'getMetrics',
        summary: 'Get the metrics',
        description: 'In the text format of Prometheus. `docs/operations.md` says what each of them means.',
        tags,
        response: { 200: { description: 'The metrics.', content: { 'text/plain': { schema: Type.String() } } } },
      },
    },
    async ({ caller }, reply) => {
      const text = await metrics.text(store.read, caller)
      // The app's serializer would make a JSON string of it.
      return reply
        .type(TEXT_FORMAT)
        .serializer((payload: unknown) => payload as string)
        .send(text)
    },
  )
}
