import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { HeaderTooLarge, MalformedRequest, MethodNotAllowed, RequestTimeout, type StudioError } from '../errors.ts'
import { METHODS } from './methods.ts'
import { rawProblem } from './problem.ts'

interface ConnectionError extends Error {
  code?: string
  /** What the parser met, in words of its own: one of a fixed list, so nothing of the request is in it. */
  reason?: string
}

/** What Node's parser has in hand for a socket: the response that a request on it is being given. */
interface ServedSocket extends Socket {
  _httpMessage?: ServerResponse
}

/** Answers what never became a request: bytes that are not HTTP, headers that are too large or too slow. */
export function answerClientError(error: ConnectionError, socket: Socket): void {
  if (error.code === 'ECONNRESET') socket.destroy()
  else refuseConnection(socket, problemFor(error))
}

/** Whether a request on this connection is being answered. */
export function isServed(socket: Socket): boolean {
  return Boolean((socket as ServedSocket)._httpMessage)
}

/** Says why, unless the answer to the request at fault has begun, and closes the connection. */
export function refuseConnection(socket: Socket, problem: StudioError): void {
  const answer = (socket as ServedSocket)._httpMessage
  // What is wrong after a request that was whole, and has its whole answer, is another one; unless that answer is the last one.
  const isAnswered = answer?.writableEnded === true && answer.req.complete && answer.shouldKeepAlive
  const isAnswering = answer?.headersSent === true && !isAnswered
  if (!socket.writable || isAnswering) socket.destroy()
  else socket.end(rawProblem(problem), () => socket.destroy())
}

/** Requests that Node hands to events of their own, and leaves unanswered or answers with an empty body by default. */
export function answerSpecialRequests(app: FastifyInstance): void {
  const { server } = app
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    const error = new MethodNotAllowed({ method: 'CONNECT', path: request.url ?? '', allowed: METHODS })
    socket.on('error', () => socket.destroy())
    socket.end(rawProblem(error, { Allow: METHODS.join(', ') }), () => socket.destroy())
  })
  // RFC 9110 §10.1.1: an expectation that is not understood may be ignored.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response))
}

function problemFor(error: ConnectionError): StudioError {
  switch (error.code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new RequestTimeout({})
    case 'HPE_HEADER_OVERFLOW':
      return new HeaderTooLarge({})
    // curl sends what was typed, so a name that is not ASCII arrives here.
    case 'HPE_INVALID_URL':
      return malformed('the address has a character that must be encoded, such as %C3%BC for ü')
    default:
      return malformed(error.reason)
  }
}

function malformed(why: string | undefined): StudioError {
  return new MalformedRequest({ reason: `This is not a request as HTTP/1.1 has it${why ? `: ${why}` : ''}.` })
}
