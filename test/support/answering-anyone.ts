import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Asked {
  method: string
  url: string
  headers: IncomingMessage['headers']
  body: string
}

export interface RunningAnswering {
  /** Without a slash at its end. */
  url: string
  requests: Asked[]
  close(): Promise<void>
}

/** A server on loopback for as long as a test file wants it. */
export async function startAnswering(
  answer: (asked: Asked) => { status: number; body: string; location?: string },
): Promise<RunningAnswering> {
  const requests: Asked[] = []
  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const body = Buffer.concat(await incoming.toArray()).toString()
    const asked = { method: incoming.method ?? '', url: incoming.url ?? '', headers: incoming.headers, body }
    requests.push(asked)
    const { status, body: text, location } = answer(asked)
    outgoing.writeHead(status, location === undefined ? {} : { location }).end(text)
  }
  const server = createServer((incoming, outgoing) => void serve(incoming, outgoing).catch(() => outgoing.destroy()))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
