import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { MethodNotAllowed, RouteNotFound } from '../errors.ts'
import { sendProblem } from './problem.ts'

export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']

/** The not-found handler: 405 where the address takes another method, else 404. */
export function answerUnknownRoute(app: FastifyInstance) {
  return (request: FastifyRequest, reply: FastifyReply): void => {
    const { method, url } = request
    const path = url.split('?', 1)[0]!.slice(0, 500)
    const allowed = METHODS.filter((one) => app.findRoute({ method: one as 'GET', url }))
    if (allowed.length === 0) return sendProblem(reply, new RouteNotFound({ method, path }))
    // RFC 9110 §15.5.6: a 405 must say what is allowed.
    reply.header('allow', allowed.join(', '))
    sendProblem(reply, new MethodNotAllowed({ method, path, allowed }))
  }
}
