import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import fastify, { type FastifyBaseLogger, type FastifyError, type FastifyInstance, LogController, type RawServerDefault } from 'fastify'
import { ShuttingDown } from '../errors.ts'
import { answerClientError, answerSpecialRequests } from './connection-errors.ts'
import { acceptJsonBodies, BODY_LIMIT } from './json-body.ts'
import { docsRoutes } from './docs-routes.ts'
import { DEFAULT_LIMITS, type Limits } from './limits.ts'
import { answerUnknownRoute } from './methods.ts'
import { describeRoutes } from './openapi.ts'
import { OriginCheck } from './origin.ts'
import { answerError } from './problem.ts'
import { SECURITY_HEADERS } from './security-headers.ts'
import { validateRoute } from './validation.ts'

export interface AppOptions {
  logger: FastifyBaseLogger
  /** Names besides localhost that the Host header may carry, without port. */
  allowedHosts: readonly string[]
  version: string
  limits?: Partial<Limits>
}

export type App = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, TypeBoxTypeProvider>

const HEADERS = { ...SECURITY_HEADERS, 'Cache-Control': 'no-store' }

/** The edge: everything that holds for every route. Features register their routes on what it returns, then it listens. */
export async function createApp(options: AppOptions): Promise<App> {
  const origins = new OriginCheck(options.allowedHosts)
  const app = newFastify(options, (request) => origins.check(request))

  acceptJsonBodies(app)
  app.addHook('onRoute', validateRoute)
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(HEADERS)
    origins.check(request.raw)
    done()
  })
  refuseWhileClosing(app)

  // Validation is done in validateRoute, and answers are written as they are: fast-json-stringify would drop what a schema
  // does not list, and convert what it lists differently, silently. Response schemas are for the documentation.
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  app.setErrorHandler(answerError)
  app.setNotFoundHandler(answerUnknownRoute(app))
  answerSpecialRequests(app)

  await describeRoutes(app, options.version)
  docsRoutes(app)
  return app
}

function newFastify({ logger, limits }: AppOptions, check: (request: IncomingMessage) => void): App {
  const { headersTimeout, requestTimeout, keepAliveTimeout, connectionsCheckingInterval } = { ...DEFAULT_LIMITS, ...limits }
  return fastify({
    loggerInstance: logger,
    // A line and a child logger for each request cost more than many of our requests do.
    logController: new LogController({ disableRequestLogging: true }),
    childLoggerFactory: (parent) => parent,
    bodyLimit: BODY_LIMIT,
    requestTimeout,
    keepAliveTimeout,
    // requireHostHeader: Node's own refusal has no body. OriginCheck refuses instead.
    http: { headersTimeout, requestTimeout, connectionsCheckingInterval, requireHostHeader: false },
    // Fastify's own 503 is no problem details; refuseWhileClosing answers instead.
    return503OnClosing: false,
    // The header limit (16 KB) bounds parameters; what is too long is refused by its schema, with a reason.
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 16_384 },
    clientErrorHandler: answerClientError,
    // Addresses that the router cannot decode never reach a hook.
    frameworkErrors: (error: FastifyError, request, reply) => {
      reply.headers(SECURITY_HEADERS)
      try {
        check(request.raw)
      } catch (refusal) {
        return answerError(refusal, request, reply)
      }
      answerError(error, request, reply)
    },
  }).withTypeProvider<TypeBoxTypeProvider>()
}

/**
 * Closing takes no longer than the answers that are under way; streams last until `endEventStreams`. Connections that are
 * kept alive still bring requests: these get 503, with the `Connection: close` that Fastify adds.
 */
function refuseWhileClosing(app: App): void {
  let closing = false
  app.addHook('preClose', (done) => {
    closing = true
    // Node closes the connections that are idle now. Those that become idle later would keep the server open this long.
    Object.assign(app.server, { keepAliveTimeout: 1, keepAliveTimeoutBuffer: 0 })
    done()
  })
  app.addHook('onRequest', (_request, _reply, done) => done(closing ? new ShuttingDown({}) : undefined))
}
