/**
 * Finds one cycle: its node ids, the first repeated at the end, and the edge that closes it.
 * Depth first with a stack of its own, since a chain of 10,000 nodes would overflow the call stack.
 */
export function findCycle<Edge extends { source: string; target: string }>(
  edges: readonly Edge[],
): { path: string[]; edge: Edge } | undefined {
  const outgoing = Map.groupBy(edges, (edge) => edge.source)
  const done = new Set<string>()
  for (const start of outgoing.keys()) {
    if (done.has(start)) continue
    const path: string[] = [start]
    const onPath = new Set(path)
    const next = [0]
    while (path.length > 0) {
      const node = path.at(-1)!
      const edge = outgoing.get(node)?.[next[next.length - 1]!++]
      if (!edge) {
        done.add(node)
        onPath.delete(node)
        path.pop()
        next.pop()
      } else if (onPath.has(edge.target)) {
        return { path: [...path.slice(path.indexOf(edge.target)), edge.target], edge }
      } else if (!done.has(edge.target)) {
        path.push(edge.target)
        onPath.add(edge.target)
        next.push(0)
      }
    }
  }
  return undefined
}
