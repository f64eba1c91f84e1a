import type { Bodies } from './bodies.ts'
import type { FlowEdge, FlowGraph } from './flow-graph.ts'

/** Which nodes come before which, whatever way control goes: a bit for each pair. Of a graph without a cycle. */
export class Ancestors {
  readonly #graph: FlowGraph
  readonly #rows = new Map<string, Uint32Array>()
  readonly #index: ReadonlyMap<string, number>
  /** Nodes that agents of others call. */
  readonly #called: ReadonlySet<string>

  constructor(graph: FlowGraph, { returns }: Bodies) {
    this.#graph = graph
    const ids = [...graph.agents, ...graph.steps]
    this.#index = new Map(ids.map((id, index) => [id, index]))
    this.#called = new Set(graph.tools.map((edge) => graph.nodeOf(edge.target)))
    const words = Math.ceil(ids.length / 32)
    for (const id of ids) if (graph.isNode(id)) this.#rows.set(id, new Uint32Array(words))
    const edges = graph.edges.filter((edge) => !returns.has(edge))
    for (const edge of inOrder(edges)) this.#inherit(edge)
    this.#narrowCalled()
  }

  /** What comes before a body comes before each of its nodes; the container itself has no output until it is over. */
  #inherit(edge: FlowEdge): void {
    const to = this.#rows.get(edge.to)!
    const from = this.#rows.get(edge.from)!
    for (let word = 0; word < to.length; word++) to[word]! |= from[word]!
    if (this.#graph.isBodyEdge(edge)) return
    for (const id of [edge.from, edge.source]) {
      const index = this.#index.get(id)!
      to[index >>> 5]! |= 1 << (index & 31)
    }
  }

  /** An agent that others call reads only what all of them can read. */
  #narrowCalled(): void {
    const { tools } = this.#graph
    if (tools.length === 0) return
    for (const node of this.#called) if (this.#graph.incoming(node).length === 0) this.#rows.get(node)!.fill(0xffffffff)
    const calls = inOrder(tools.map(({ source, target }) => ({ from: source, to: target })))
    // Once as a rule: only agents that hand over to each other can call in a circle.
    for (let isNarrower = true; isNarrower;) {
      isNarrower = false
      for (const { from, to } of calls) isNarrower = this.#narrow(this.#graph.nodeOf(from), this.#graph.nodeOf(to)) || isNarrower
    }
  }

  #narrow(caller: string, called: string): boolean {
    const from = this.#rows.get(caller)!
    const to = this.#rows.get(called)!
    let isNarrower = false
    for (let word = 0; word < to.length; word++) {
      const both = (to[word]! & from[word]!) >>> 0
      if (both === to[word]) continue
      to[word] = both
      isNarrower = true
    }
    return isNarrower
  }

  isCalled(id: string): boolean {
    return this.#called.has(this.#graph.nodeOf(id))
  }

  has(node: string, before: string): boolean {
    const index = this.#index.get(before)!
    return ((this.#rows.get(this.#graph.nodeOf(node))?.[index >>> 5] ?? 0) & (1 << (index & 31))) !== 0
  }
}

/** Those that lead to a node before those that leave it. */
function inOrder<Edge extends { from: string; to: string }>(edges: readonly Edge[]): Edge[] {
  const outgoing = Map.groupBy(edges, (edge) => edge.from)
  const waiting = new Map<string, number>()
  for (const { to } of edges) waiting.set(to, (waiting.get(to) ?? 0) + 1)
  const order: Edge[] = []
  const nodes = [...outgoing.keys()].filter((id) => !waiting.has(id))
  for (const node of nodes) {
    for (const edge of outgoing.get(node) ?? []) {
      order.push(edge)
      const left = waiting.get(edge.to)! - 1
      waiting.set(edge.to, left)
      if (left === 0) nodes.push(edge.to)
    }
  }
  return order
}
