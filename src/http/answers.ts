import type { Server } from 'node:http'
import type { App } from './app.ts'

/** How a request ended. */
export interface Answer {
  method: string
  /** The route as it was registered, such as `/api/executions/:execution_id`; undefined where none matched. */
  route: string | undefined
  /** Undefined when the client left before the answer began. */
  status: number | undefined
  /** Until the last byte was handed over, or the client left. */
  seconds: number
}

interface UnderWay {
  count: number
  whenNone: (() => void) | undefined
}

const served = new WeakMap<Server, UnderWay>()

function underWay(server: Server): UnderWay {
  const known = served.get(server) ?? { count: 0, whenNone: undefined }
  served.set(server, known)
  return known
}

/**
 * Follows each request until the last byte of its answer is out of our hands, or its client has left.
 * @param tell told of each of them then
 */
export function followAnswers(app: App, tell: (answer: Answer) => void = () => undefined): void {
  const answers = underWay(app.server)
  app.addHook('onRequest', (request, reply, done) => {
    const began = performance.now()
    const { raw } = reply
    answers.count++
    // Not Fastify's onResponse: it is silent about a client that leaves, and so about most streams.
    // It comes once.
    raw.on('close', () => {
      if (--answers.count === 0) answers.whenNone?.()
      const status = raw.headersSent ? raw.statusCode : undefined
      tell({ method: request.method, route: request.routeOptions.url, status, seconds: (performance.now() - began) / 1_000 })
    })
    done()
  })
}

/**
 * Resolves when no answer is under way. A server that closes takes no care of that: it cuts the connection of an answer that
 * is complete and waits for its client to take it in.
 */
export function answersEnded(app: App): Promise<void> {
  const answers = underWay(app.server)
  if (answers.count === 0) return Promise.resolve()
  return new Promise((resolve) => (answers.whenNone = resolve))
}
