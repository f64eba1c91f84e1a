import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo, Server, Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import type { TestCertificate } from './certificate.ts'

export interface AnsweringServer {
  /** Without a slash at its end. */
  url: string
  port: number
  /** Every connection that it was ever asked for, also those that brought no request. */
  sockets: Socket[]
  /** As they came. */
  requests: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[]
}

export type Answering = (response: ServerResponse, request: IncomingMessage) => void

/** A real server on loopback for the length of a test, which remembers what it was asked. */
export async function answering(
  answer: Answering,
  options: { certificate?: TestCertificate; host?: string } = {},
): Promise<AnsweringServer> {
  const requests: AnsweringServer['requests'] = []
  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const body = Buffer.concat(await incoming.toArray()).toString()
    requests.push({ method: incoming.method ?? '', url: incoming.url ?? '', headers: incoming.headers, body })
    answer(outgoing, incoming)
  }
  const listener: RequestListener = (incoming, outgoing) => void serve(incoming, outgoing).catch(() => outgoing.destroy())
  const server = options.certificate ? createSecureServer(options.certificate, listener) : createServer(listener)
  const { port, sockets } = await listening(server, options.host)
  return { url: `${options.certificate ? 'https' : 'http'}://127.0.0.1:${port}`, port, sockets, requests }
}

/** Any server on a free port for the length of a test, with the connections that it was asked for. */
export async function listening(server: Server, host = '127.0.0.1'): Promise<{ port: number; sockets: Socket[] }> {
  const sockets: Socket[] = []
  server.on('connection', (socket: Socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined)
  })
  server.on('tlsClientError', () => undefined)
  server.listen(0, host)
  await once(server, 'listening')
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  return { port: (server.address() as AddressInfo).port, sockets }
}
