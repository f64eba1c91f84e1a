import type { Client } from '@modelcontextprotocol/client'
import { AttemptFailed } from '../../attempt-failed.ts'
import { ToolFailed } from '../../errors.ts'
import { canonicalForm, sha256 } from '../../graph/digest.ts'
import type { Outside } from '../../graph/step-kind.ts'
import { fetchBy } from '../../outgoing/fetch.ts'
import type { Scrubber } from '../../secrets/scrubber.ts'
import { version } from '../../version.ts'

export interface McpServer {
  url: string
  headers: Readonly<Record<string, string>>
}

/** A tool as a server offers it, and as a release records it. */
export interface ListedTool {
  name: string
  description: string
  input_schema: Record<string, unknown>
  /** The server says that it changes nothing. */
  read_only: boolean
  /** Of all of it: another one is another tool. */
  digest: string
}

/** Of what a server says, in bytes: a list of tools, or the result of one. */
const MOST_BYTES = 5_000_000
const MOST_PAGES = 20

export interface Connecting {
  request: Outside['outgoing']['request']
  signal: AbortSignal
  timeoutMs: number
  /** What hides the secrets that the server was sent, should it quote them. */
  scrubber: Scrubber | undefined
}

/**
 * Talks to an MCP server over Streamable HTTP, for one exchange: nothing is kept, so nothing is stale. The package is loaded at the
 * first one.
 * @throws AttemptFailed
 */
export async function withMcpServer<Result>(
  server: McpServer,
  connecting: Connecting,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  const { Client: McpClient, StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client')
  const { request, signal, timeoutMs, scrubber } = connecting
  const limits = { totalMs: timeoutMs, firstByteMs: timeoutMs, bytes: MOST_BYTES }
  const transport = new StreamableHTTPClientTransport(new URL(server.url), {
    fetch: (url, init) => fetchBy(request, limits, url, init),
    // The headers hold keys, which are for this server.
    requestInit: { headers: server.headers, redirect: 'error' },
    reconnectionOptions: { maxRetries: 0, initialReconnectionDelay: 1_000, maxReconnectionDelay: 1_000, reconnectionDelayGrowFactor: 1 },
  })
  const client = new McpClient({ name: 'agent-studio', version }, { capabilities: {}, versionNegotiation: { mode: 'auto' } })
  try {
    await client.connect(transport, { timeout: timeoutMs, signal })
    return await work(client)
  } catch (error) {
    signal.throwIfAborted()
    throw failure(error, server, scrubber)
  } finally {
    await client.close().catch(() => undefined)
  }
}

/** All tools that a server offers. */
export async function listTools(client: Client): Promise<ListedTool[]> {
  const tools: ListedTool[] = []
  let cursor: string | undefined
  for (let page = 0; page < MOST_PAGES; page++) {
    const list = await client.listTools(cursor === undefined ? {} : { cursor }, { cacheMode: 'bypass' })
    for (const { name, description = '', inputSchema, annotations } of list.tools) {
      const read_only = annotations?.readOnlyHint === true
      const input_schema = inputSchema as Record<string, unknown>
      tools.push({
        name,
        description,
        input_schema,
        read_only,
        digest: sha256(canonicalForm({ name, description, input_schema, read_only })),
      })
    }
    cursor = list.nextCursor
    if (cursor === undefined) break
  }
  return tools
}

function failure(error: unknown, { url }: McpServer, scrubber: Scrubber | undefined): AttemptFailed {
  for (let at = error, hops = 0; at instanceof Error && hops < 5; at = at.cause, hops++) if (at instanceof AttemptFailed) return at
  const { origin } = new URL(url)
  const message = error instanceof Error ? error.message : 'it failed'
  const said = (scrubber?.excerpt(message, 500) ?? message.slice(0, 500)).toWellFormed()
  // Of the wire, and not the answer of a tool, so that another time may be better.
  return new AttemptFailed(new ToolFailed({ reason: `The MCP server at ${origin} failed: ${said}` }), { retryable: true })
}
