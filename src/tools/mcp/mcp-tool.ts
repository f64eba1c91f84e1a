import type { CallToolResult, Client } from '@modelcontextprotocol/client'
import { AttemptFailed } from '../../attempt-failed.ts'
import { ToolChanged } from '../../errors.ts'
import { withSecrets } from '../../nodes/with-secrets.ts'
import type { Mapping, Outside } from '../../graph/step-kind.ts'
import { schemaOf } from '../parameters.ts'
import { refused } from '../refused.ts'
import { common, commonProperties, namePattern, type CommonConfig, type Tool, type ToolAttempt, type ToolType } from '../tool.ts'
import { listTools, withMcpServer, type Connecting, type ListedTool } from './client.ts'

export interface McpConfig extends CommonConfig {
  type: 'mcp'
  name: string
  /** One of both. */
  url?: string
  server?: string
  headers?: Record<string, string>
  tools?: string[]
  timeout?: number
  /** What the server offered when the release was made. */
  recorded?: { tools: ListedTool[] }
}

const TIMEOUT_SECONDS = 60

export const mcpTool: ToolType = {
  type: 'mcp',
  title: 'MCP server',
  description:
    'The tools of an MCP server over Streamable HTTP. What they are is recorded in the release; one that has changed since is not called.',
  schema: {
    type: 'object',
    required: ['type', 'name'],
    properties: {
      type: { const: 'mcp' },
      name: { type: 'string', pattern: namePattern, description: 'Stands before the names of its tools.' },
      url: { type: 'string', 'x-plain': true, description: 'Of a server over Streamable HTTP.' },
      server: {
        type: 'string',
        'x-plain': true,
        description: 'Instead, the name of one that the operator lists in AGENT_STUDIO_MCP_SERVERS.',
      },
      headers: {
        type: 'object',
        additionalProperties: { type: 'string' },
        'x-secrets': true,
        description: 'Sent with every request. Texts with {{ secrets.NAME }}.',
      },
      tools: {
        type: 'array',
        minItems: 1,
        maxItems: 200,
        items: { type: 'string' },
        'x-plain': true,
        description: 'The only ones that the agent gets.',
      },
      timeout: { type: 'number', minimum: 0.001, maximum: 3_600, default: TIMEOUT_SECONDS, description: 'Of one attempt, in seconds.' },
      recorded: { type: 'object', 'x-plain': true, description: 'What a deploy made of it; what is sent here is not looked at.' },
      ...commonProperties,
    },
    additionalProperties: false,
  },
  compile(config: McpConfig, compiler) {
    const headers = compiler.mapping(config.headers ?? {}, '/headers')
    return (config.recorded?.tools ?? []).map((listed, index): Tool => ({
      ...common(config),
      // Nothing says to the server that it is the same call once more.
      maxRetries: config.max_retries ?? (listed.read_only ? undefined : 0),
      name: nameOf(config, listed),
      description: listed.description || listed.name,
      parameters: listed.input_schema,
      schema: schemaOf(listed.input_schema, compiler, `/recorded/tools/${index}/input_schema`),
      writes: () => !listed.read_only,
      shows: () => ({ server: config.url ?? config.server, tool: listed.name }),
      run: (attempt) => call(config, listed, headers, attempt),
    }))
  },
}

function nameOf({ name }: McpConfig, listed: ListedTool): string {
  return `${name}_${listed.name.replace(/[^A-Za-z0-9_-]/g, '_')}`.slice(0, 64)
}

async function call(config: McpConfig, listed: ListedTool, headers: Mapping, attempt: ToolAttempt): Promise<unknown> {
  const { signal, outside } = attempt
  const timeoutMs = (config.timeout ?? TIMEOUT_SECONDS) * 1_000
  const own = textsOf(await withSecrets(headers, attempt))
  const scrubber = outside.secrets.of(attempt.environment)
  const result = await reach(config, own, outside, { signal, timeoutMs, scrubber }, async (client) => {
    const now = (await listTools(client)).find(({ name }) => name === listed.name)
    if (now?.digest !== listed.digest) throw changed(config, listed, now)
    const params = { name: listed.name, arguments: { ...attempt.arguments } }
    return client.callTool(params, { timeout: timeoutMs, signal })
  })
  const content = contentOf(result)
  if (result.isError) throw refused(typeof content === 'string' ? content : JSON.stringify(content))
  return content
}

/** @throws AttemptFailed */
export async function reach<Result>(
  { url, server }: Pick<McpConfig, 'url' | 'server'>,
  headers: Record<string, string>,
  { outgoing, localServers }: Pick<Outside, 'outgoing' | 'localServers'>,
  limits: Omit<Connecting, 'request'>,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  if (url !== undefined) return withMcpServer({ url, headers }, { ...limits, request: outgoing.request }, work)
  if (!localServers) throw refused('This server runs no MCP servers of its own.')
  return localServers.use(server!, limits, work)
}

export function textsOf(headers: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(headers as Record<string, unknown>).map(([name, value]) => [name, String(value)]))
}

function changed({ url, server }: McpConfig, { name }: ListedTool, now: ListedTool | undefined): AttemptFailed {
  const what = now ? 'has changed' : 'is not offered any more'
  return new AttemptFailed(new ToolChanged({ tool: name, server: url === undefined ? `'${server}'` : new URL(url).origin, what }), {
    retryable: false,
  })
}

/** What a model can read of a result. */
function contentOf({ structuredContent, content }: CallToolResult): unknown {
  if (structuredContent !== undefined) return structuredContent
  const parts = content.map((part) => {
    if (part.type === 'text') return part.text
    if (part.type === 'resource') return 'text' in part.resource ? part.resource.text : `[resource ${part.resource.uri}]`
    if (part.type === 'resource_link') return `[resource ${part.uri}]`
    return `[${part.type}]`
  })
  return parts.join('\n')
}
