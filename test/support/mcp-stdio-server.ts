import { fromJsonSchema, McpServer } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'

/** An MCP server as a program, which says what it can see of its environment. */
serveStdio(() => {
  const server = new McpServer({ name: 'local', version: '1.0.0' })
  const inputSchema = fromJsonSchema<Record<string, unknown>>({ type: 'object', properties: {} })
  server.registerTool('environment', { inputSchema, annotations: { readOnlyHint: true } }, () => ({
    content: [{ type: 'text', text: JSON.stringify({ pid: process.pid, names: Object.keys(process.env).toSorted() }) }],
  }))
  return server
})
