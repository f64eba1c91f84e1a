import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import fastify, { type FastifyBaseLogger, type FastifyError, type FastifyInstance, LogController, type RawServerDefault } from 'fastify'
import { StudioError } from '../errors.ts'
import { type Answer, followAnswers } from './answers.ts'
import { answerClientError, answerSpecialRequests } from './connection-errors.ts'
import { limitConnections, queueSentAhead } from './connections.ts'
import { CrossOrigin } from './cross-origin.ts'
import { checkFraming } from './framing.ts'
import { acceptJsonBodies, BODY_LIMIT } from './json-body.ts'
import { recordRoutes } from './described-routes.ts'
import { docsRoutes } from './docs-routes.ts'
import { DEFAULT_LIMITS, type Limits } from './limits.ts'
import { answerUnknownRoute } from './methods.ts'
import { OriginCheck } from './origin.ts'
import { answerError } from './problem.ts'
import { SECURITY_HEADERS } from './security-headers.ts'
import { refuseWhileStopping } from './stopping.ts'
import { validateRoute } from './validation.ts'

export interface AppOptions {
  logger: FastifyBaseLogger
  /** Names besides localhost that the Host header may carry, without port. */
  allowedHosts: readonly string[]
  /** Origins of other sites whose pages may call the API, such as `https://app.example`. */
  allowedOrigins?: readonly string[]
  /** Whether what a proxy at this address says of where a request came from is believed. */
  trustProxy?: (address: string) => boolean
  version: string
  limits?: Partial<Limits>
  /** Told of each request once its answer has ended. */
  onAnswer?: (answer: Answer) => void
  /** Told of each request that was refused because a limit was reached, and which. */
  onLimited?: (policy: string) => void
  /** Adds what refuses requests before anything is done for them. */
  shed?: (app: App, headersFor: HeadersFor) => void
  /** Adds what must hold for every route, those of this folder included, before the first is registered. */
  guard?: (app: App) => void
}

/** The headers of every answer to a request, whatever it is; the same object for all of one origin. */
export type HeadersFor = (request: IncomingMessage) => Readonly<Record<string, string>>

export type App = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, TypeBoxTypeProvider>

const HEADERS = { ...SECURITY_HEADERS, 'Cache-Control': 'no-store' }

/** The edge: everything that holds for every route. Features register their routes on what it returns, then it listens. */
export async function createApp(options: AppOptions): Promise<App> {
  const crossOrigin = new CrossOrigin(options.allowedOrigins ?? [], HEADERS)
  const origins = new OriginCheck({ ...options, crossOrigin })
  const app = newFastify(options, crossOrigin, origins)

  queueSentAhead(app)
  options.shed?.(app, (request) => crossOrigin.headersFor(request))
  followAnswers(app, options.onAnswer)
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  limitConnections(app, limits.unservedConnections)
  acceptJsonBodies(app, limits)
  app.addHook('onRoute', validateRoute)
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(crossOrigin.headersFor(request.raw))
    checkFraming(request.raw)
    origins.check(request.raw)
    const permission = crossOrigin.permission(request.raw)
    // A browser asks it without a key, and before it sends anything.
    if (permission) reply.code(204).headers(permission).send()
    else done()
  })
  refuseWhileStopping(app)
  options.guard?.(app)

  // Validation is done in validateRoute, and answers are written as they are: fast-json-stringify would drop what a schema
  // does not list, and convert what it lists differently, silently. Response schemas are for the documentation.
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  app.setErrorHandler((error, request, reply) => {
    // Methods of other protocols, which the parser knows as well, reach no hook.
    if ((error as Partial<FastifyError>).code === 'FST_ERR_NOT_FOUND') reply.headers(crossOrigin.headersFor(request.raw))
    if (error instanceof StudioError && error.reached) options.onLimited?.(error.reached.policy)
    answerError(error, request, reply)
  })
  app.setNotFoundHandler(answerUnknownRoute(app))
  answerSpecialRequests(app)

  docsRoutes(app, recordRoutes(app), options.version)
  return app
}

function newFastify({ logger, limits, trustProxy }: AppOptions, crossOrigin: CrossOrigin, origins: OriginCheck): App {
  const { headersTimeout, requestTimeout, keepAliveTimeout, connectionsCheckingInterval } = { ...DEFAULT_LIMITS, ...limits }
  return fastify({
    // A line and a logger for each request cost more than many of our requests do.
    loggerInstance: sharedByRequests(logger),
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_LIMIT,
    trustProxy: trustProxy ?? false,
    // createApp sets compilers of our own. If these were left out, Fastify would load Ajv and fast-json-stringify all the same.
    schemaController: { compilersFactory: { buildValidator: neverBuilt, buildSerializer: neverBuilt } },
    requestTimeout,
    keepAliveTimeout,
    // requireHostHeader: Node's own refusal has no body. OriginCheck refuses instead.
    http: { headersTimeout, requestTimeout, connectionsCheckingInterval, requireHostHeader: false },
    // Fastify's own 503 is no problem details; refuseWhileStopping answers instead.
    return503OnClosing: false,
    // The header limit (16 KB) bounds parameters; what is too long is refused by its schema, with a reason.
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 16_384 },
    clientErrorHandler: answerClientError,
    // Addresses that the router cannot decode never reach a hook.
    frameworkErrors: (error: FastifyError, request, reply) => {
      reply.headers(crossOrigin.headersFor(request.raw))
      try {
        origins.check(request.raw)
      } catch (refusal) {
        return answerError(refusal, request, reply)
      }
      answerError(error, request, reply)
    },
  }).withTypeProvider<TypeBoxTypeProvider>()
}

/** Not by a `childLoggerFactory`, since Fastify would look at what that gives, method by method, with each request. */
function sharedByRequests(logger: FastifyBaseLogger): FastifyBaseLogger {
  const shared = Object.create(logger) as FastifyBaseLogger
  shared.child = () => shared
  return shared
}

function neverBuilt(): never {
  throw new Error('the app has compilers of its own')
}
