import type { AgentNode, Connection } from './definition.ts'

/** Ids of the agents without an incoming connection, in the order of the definition. */
export function findLeads(agents: readonly AgentNode[], connections: readonly Connection[]): string[] {
  const targets = new Set(connections.map((connection) => connection.target_agent_id))
  return agents.map((agent) => agent.agent_id).filter((id) => !targets.has(id))
}

/** Node ids → the ids that they are connected to, each with the place of the connection. */
function outgoing(connections: readonly Connection[]): Map<string, { target: string; connection: number }[]> {
  const map = new Map<string, { target: string; connection: number }[]>()
  for (const [index, { source_agent_id: source, target_agent_id: target }] of connections.entries()) {
    const list = map.get(source!) ?? []
    list.push({ target: target!, connection: index })
    map.set(source!, list)
  }
  return map
}

/**
 * Finds one cycle: its node ids, the first repeated at the end, and the place of the connection that closes it.
 * Depth first with a stack of its own, since a chain of 10,000 nodes would overflow the call stack.
 */
export function findCycle(connections: readonly Connection[]): { path: string[]; connection: number } | undefined {
  const edges = outgoing(connections)
  const done = new Set<string>()
  for (const start of edges.keys()) {
    if (done.has(start)) continue
    const path: string[] = [start]
    const onPath = new Set(path)
    const next = [0]
    while (path.length > 0) {
      const node = path.at(-1)!
      const edge = edges.get(node)?.[next[next.length - 1]!++]
      if (!edge) {
        done.add(node)
        onPath.delete(node)
        path.pop()
        next.pop()
      } else if (onPath.has(edge.target)) {
        return { path: [...path.slice(path.indexOf(edge.target)), edge.target], connection: edge.connection }
      } else if (!done.has(edge.target)) {
        path.push(edge.target)
        onPath.add(edge.target)
        next.push(0)
      }
    }
  }
  return undefined
}
