import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createMcpHandler, fromJsonSchema, McpServer } from '@modelcontextprotocol/server'

export interface OfferedTool {
  name: string
  description?: string
  properties?: Record<string, object>
  readOnly?: boolean
  /** What a call gives. */
  answer: (given: Record<string, unknown>) => string
  isError?: boolean
}

export interface RunningMcpServer {
  url: string
  /** May be changed at any time. */
  tools: OfferedTool[]
  /** Calls of tools, in their order. */
  calls: { name: string; given: Record<string, unknown> }[]
  /** Of every request that it was sent. */
  headers: IncomingMessage['headers'][]
  close(): Promise<void>
}

/** A real MCP server over Streamable HTTP, on loopback, made with the official server package. */
export async function startMcpServer(...tools: OfferedTool[]): Promise<RunningMcpServer> {
  const running: Pick<RunningMcpServer, 'tools' | 'calls' | 'headers'> = { tools, calls: [], headers: [] }
  const handler = createMcpHandler(() => offer(running))
  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    running.headers.push(incoming.headers)
    const body = Buffer.concat(await incoming.toArray())
    const headers = new Headers(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)] as [string, string]))
    const init = { method: incoming.method!, headers, ...(body.length > 0 && { body }) }
    const answer = await handler.fetch(new Request(`http://127.0.0.1${incoming.url}`, init))
    outgoing.writeHead(answer.status, Object.fromEntries(answer.headers))
    if (answer.body) for await (const piece of answer.body) outgoing.write(piece)
    outgoing.end()
  }
  const server = createServer((incoming, outgoing) => void serve(incoming, outgoing).catch(() => outgoing.destroy()))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return Object.assign(running, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    close: async () => {
      await handler.close()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  })
}

function offer({ tools, calls }: Pick<RunningMcpServer, 'tools' | 'calls'>): McpServer {
  const server = new McpServer({ name: 'for tests', version: '1.0.0' })
  for (const { name, description = name, properties = {}, readOnly, answer, isError = false } of tools) {
    const inputSchema = fromJsonSchema<Record<string, unknown>>({ type: 'object', properties } as never)
    const annotations = readOnly === undefined ? {} : { readOnlyHint: readOnly }
    server.registerTool(name, { description, inputSchema, annotations }, (given) => {
      calls.push({ name, given })
      return { content: [{ type: 'text', text: answer(given) }], isError }
    })
  }
  return server
}
