import type { Issue } from '../errors.ts'
import type { FlowEdge, FlowGraph } from './flow-graph.ts'

/** Which nodes stand in the body of which map or loop. */
export interface Bodies {
  /** Node id → the innermost container that it stands in; nothing for those outside of all. */
  parent: ReadonlyMap<string, string>
  /** Connections that lead from a body back to its container. */
  returns: ReadonlySet<FlowEdge>
  /** Pointers into the configuration. */
  problems: Issue[]
}

/**
 * The body of a container is all that can be reached from its `body` handle without passing it. It has one way in and one
 * way out, both by its container, so that it can run any number of times.
 */
export function findBodies(graph: FlowGraph): Bodies {
  const members = new Map([...graph.containers].map((container) => [container, reach(graph, container)] as const))
  const parent = new Map<string, string>()
  // The larger ones first, so that what is written last is the innermost.
  const bySize = [...members].toSorted(([, a], [, b]) => b.size - a.size)
  for (const [container, body] of bySize) for (const id of body) parent.set(id, container)
  const returns = new Set<FlowEdge>()
  const problems: Issue[] = []
  for (const [container, body] of members) {
    for (const edge of graph.incoming(container)) if (body.has(edge.source)) returns.add(edge)
    problems.push(...findCrossings(graph, container, body))
  }
  return { parent, returns, problems }
}

function reach(graph: FlowGraph, container: string): Set<string> {
  const found = new Set<string>()
  const open = graph.outgoing(container).flatMap((edge) => (graph.isBodyEdge(edge) && edge.target !== container ? [edge.target] : []))
  while (open.length > 0) {
    const id = open.pop()!
    if (found.has(id)) continue
    found.add(id)
    for (const edge of graph.outgoing(id)) if (edge.target !== container) open.push(edge.target)
  }
  return found
}

function findCrossings(graph: FlowGraph, container: string, body: ReadonlySet<string>): Issue[] {
  const problems: Issue[] = []
  for (const id of body) {
    for (const edge of graph.incoming(id)) {
      if (body.has(edge.source) || (edge.source === container && graph.isBodyEdge(edge))) continue
      problems.push({
        pointer: edge.pointer,
        code: 'body_crossed',
        message: `This connection leads from '${edge.source}' into the body of '${container}', at '${id}'. What a body needs from outside it reads from the steps before '${container}'; connect '${edge.source}' to '${container}' itself.`,
      })
    }
  }
  return problems
}
