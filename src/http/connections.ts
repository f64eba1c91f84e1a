import type { Socket } from 'node:net'
import { RequestTimeout } from '../errors.ts'
import type { App } from './app.ts'
import { isServed, refuseConnection } from './connection-errors.ts'

/** How long a client may leave the rest of an answer that is complete before it is cut off. Milliseconds. */
const PATIENCE_MS = 60_000
/** What is smaller is in the hands of the operating system as soon as it is sent. Characters, or bytes. */
const LONG_ANSWER = 65_536

/**
 * Takes the requests that a client sends ahead on one connection one after the other, as they must be answered, and not all
 * at once: a thousand fit into one packet.
 */
export function queueSentAhead(app: App): void {
  app.addHook('onRequest', (_request, { raw }, done) => {
    // A response has the socket when it is its turn. One that never comes to that is of a connection that is gone.
    if (raw.socket) done()
    else raw.once('socket', () => done())
  })
}

/**
 * Holds no more than so many connections that are not being served, be they idle or slow with their request: those that
 * have been that for longest give way to new ones. An honest request is here within milliseconds, so who floods the server
 * with slow ones drives out nobody else.
 */
export function limitConnections(app: App, most: number): void {
  /** How many bytes each had sent when it became so. In the order in which they did. */
  const unserved = new Map<Socket, number>()

  const enter = (socket: Socket): void => {
    unserved.set(socket, socket.bytesRead)
    if (unserved.size <= most) return
    const [oldest] = unserved
    unserved.delete(oldest![0])
    turnOut(...oldest!)
  }

  app.server.on('connection', (socket: Socket) => {
    enter(socket)
    socket.once('close', () => unserved.delete(socket))
  })
  // By now the whole request is here.
  app.addHook('preValidation', (request, reply, done) => {
    const { socket } = request.raw
    unserved.delete(socket)
    // It comes once.
    reply.raw.on('close', () => {
      // Another request may have come behind this one.
      if (!socket.destroyed && !isServed(socket)) enter(socket)
    })
    done()
  })
  app.addHook('onSend', (_request, reply, body, done) => {
    // What is sent again and again and never taken in would fill the memory.
    if (isLong(body)) reply.raw.setTimeout(PATIENCE_MS, () => reply.raw.destroy())
    done()
  })
}

function isLong(body: unknown): boolean {
  return (typeof body === 'string' || Buffer.isBuffer(body)) && body.length > LONG_ANSWER
}

/** @param before what it had sent when it was last idle */
function turnOut(socket: Socket, before: number): void {
  if (socket.bytesRead === before) socket.destroy()
  else refuseConnection(socket, new RequestTimeout({}))
}
