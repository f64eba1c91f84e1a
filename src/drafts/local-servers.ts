/** Whether agents of a definition, or of a workflow within it, have tools of an MCP server that the operator lists. */
export function usesLocalServers(definition: unknown): boolean {
  if (Array.isArray(definition)) return definition.some(usesLocalServers)
  if (typeof definition !== 'object' || definition === null) return false
  return Object.entries(definition).some(([key, value]) => (key === 'tools' && hasLocal(value)) || usesLocalServers(value))
}

function hasLocal(tools: unknown): boolean {
  return Array.isArray(tools) && tools.some((tool: unknown) => isLocal(tool))
}

function isLocal(tool: unknown): boolean {
  const { type, server } = (tool ?? {}) as { type?: unknown; server?: unknown }
  return type === 'mcp' && typeof server === 'string'
}
