import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Received {
  method: string
  url: string
  headers: IncomingHttpHeaders
  body: string
}

export interface Reply {
  status?: number
  headers?: Record<string, string>
  body?: string | Buffer
  /** Nothing is answered. */
  hangs?: boolean
}

/** A server that keeps what it was sent, and answers with one reply after the other, the last one for ever. */
export class Collector {
  readonly received: Received[] = []
  replies: Reply[] = [{}]
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  static async start(): Promise<Collector> {
    const server = createServer()
    const collector = new Collector(server)
    server.on('request', (request, response) => {
      const pieces: Buffer[] = []
      request.on('data', (piece: Buffer) => pieces.push(piece))
      request.on('end', () => {
        const { method = '', url = '', headers } = request
        collector.received.push({ method, url, headers, body: Buffer.concat(pieces).toString() })
        const reply = collector.replies.length > 1 ? collector.replies.shift()! : collector.replies[0]!
        if (!reply.hangs) response.writeHead(reply.status ?? 200, reply.headers).end(reply.body)
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return collector
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
