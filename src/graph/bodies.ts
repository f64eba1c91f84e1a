import type { Issue } from '../errors.ts'
import { add, type FlowEdge, type FlowGraph } from './flow-graph.ts'

/** Which nodes stand in the body of which map or loop. */
export interface Bodies {
  /** Node of the flow → the innermost container that it stands in; nothing for those outside of all. */
  parent: ReadonlyMap<string, string>
  /** Connections that lead from a body back to its container. */
  returns: ReadonlySet<FlowEdge>
  /** The same by container. */
  returnsTo: ReadonlyMap<string, readonly FlowEdge[]>
  /** Containers in too many others. */
  tooDeep: readonly string[]
  /** Pointers into the configuration. */
  problems: Issue[]
}

/** How deep bodies may stand in bodies. */
export const MOST_NESTED = 16

/**
 * The body of a container is all that can be reached from its `body` handle without passing it. It has one way in and one
 * way out, both by its container, so that it can run any number of times. Each node is looked at once: where bodies overlap the
 * first one has it, and each connection that this does not fit is a problem.
 */
export function findBodies(graph: FlowGraph): Bodies {
  const parent = placeNodes(graph)
  const returnsTo = new Map<string, FlowEdge[]>()
  const returns = new Set<FlowEdge>()
  for (const edge of graph.edges) {
    if (graph.isBodyEdge(edge) || parent.get(edge.from) !== edge.to) continue
    returns.add(edge)
    add(returnsTo, edge.to, edge)
  }
  const tooDeep = findTooDeep(graph, parent)
  const isLegal = (edge: FlowEdge): boolean => returns.has(edge) || tooDeep.length > 0
  const problems = graph.edges.flatMap((edge) => (isLegal(edge) ? [] : (checkEdge(edge, graph, parent) ?? [])))
  return { parent, returns, returnsTo, tooDeep, problems }
}

function placeNodes(graph: FlowGraph): Map<string, string> {
  const parent = new Map<string, string>()
  const open: string[] = []
  const place = (node: string, container: string): void => {
    if (parent.has(node) || standsIn(container, node, parent)) return
    parent.set(node, container)
    open.push(node)
  }
  for (const container of graph.containers) {
    for (const edge of graph.outgoing(container)) if (graph.isBodyEdge(edge)) place(edge.to, container)
  }
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (const edge of graph.outgoing(node)) if (!graph.isBodyEdge(edge)) place(edge.to, parent.get(node)!)
  }
  return parent
}

/** Whether a container is another, or stands in it; far inside, which is refused anyway, nothing is placed any more. */
function standsIn(container: string, other: string, parent: ReadonlyMap<string, string>): boolean {
  let at: string | undefined = container
  for (let depth = 0; at !== undefined; depth++) {
    if (at === other || depth > MOST_NESTED) return true
    at = parent.get(at)
  }
  return false
}

function findTooDeep(graph: FlowGraph, parent: ReadonlyMap<string, string>): string[] {
  return [...graph.containers].filter((container) => {
    let depth = 0
    for (let at: string | undefined = container; at !== undefined && depth <= MOST_NESTED; at = parent.get(at)) depth++
    return depth > MOST_NESTED
  })
}

function checkEdge(edge: FlowEdge, graph: FlowGraph, parent: ReadonlyMap<string, string>): Issue | undefined {
  const { source, target, from, to, pointer } = edge
  const isIntoBody = graph.isBodyEdge(edge)
  // Such a connection is a cycle, which is said elsewhere.
  if (isIntoBody && from === to) return undefined
  const expected = isIntoBody ? from : parent.get(from)
  const container = parent.get(to)
  if (container === expected) return undefined
  const isAround = standsIn(from, to, parent)
  const message =
    isIntoBody && isAround
      ? `'${target}' cannot stand in the body of '${source}', for '${source}' stands in its.`
      : container === undefined || (expected !== undefined && standsIn(expected, to, parent))
        ? `This connection leads from '${source}', in the body of '${expected}', to '${target}' outside of it. A body is left by its container: connect '${expected}' to '${target}'.`
        : `This connection leads from '${source}' into the body of '${container}', at '${target}'. What a body needs from outside it reads from the steps before '${container}'; connect '${source}' to '${container}' itself.`
  return { pointer, code: 'body_crossed', message }
}
