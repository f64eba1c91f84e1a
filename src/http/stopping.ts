import type { Server } from 'node:http'
import { ShuttingDown } from '../errors.ts'
import type { App } from './app.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route answers as long as there is somebody to ask it. */
    answersWhileClosing?: boolean
  }
}

/** After so long another server, or this one after its start, is there to be asked. Seconds, as a whole number (RFC 9110 §10.2.3). */
const RETRY_AFTER = '2'

const stopping = new WeakSet<Server>()

/** From now on nothing is taken that begins or changes anything; whoever only looks is answered until the app closes. */
export function takeNoMoreWork(app: App): void {
  stopping.add(app.server)
}

/** Whether connections should not be kept any more. */
export function isStopping(server: Server): boolean {
  return stopping.has(server)
}

/**
 * Closing takes no longer than the answers that are under way; streams last until `endEventStreams`. Connections that are
 * kept alive still bring requests: these get 503, and `Connection: close`, so that their clients go elsewhere.
 */
export function refuseWhileStopping(app: App): void {
  let closing = false
  app.addHook('preClose', (done) => {
    closing = true
    takeNoMoreWork(app)
    // Node closes the connections that are idle now. Those that become idle later would keep the server open this long.
    Object.assign(app.server, { keepAliveTimeout: 1, keepAliveTimeoutBuffer: 0 })
    done()
  })
  app.addHook('onRequest', (request, reply, done) => {
    if (!isStopping(app.server)) return done()
    reply.header('connection', 'close')
    const { method, routeOptions } = request
    if (routeOptions.config?.answersWhileClosing || (!closing && (method === 'GET' || method === 'HEAD'))) return done()
    reply.header('retry-after', RETRY_AFTER)
    done(new ShuttingDown({}))
  })
}
