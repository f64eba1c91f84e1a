import { endOf, type Connection, type Definition } from './definition.ts'
import { groupHandoffs } from './handoff-groups.ts'

/** A connection as it was written. */
export interface Link {
  source: string
  target: string
  /** Into the configuration. */
  pointer: string
}

/** How control goes from a node to another. */
export interface FlowEdge extends Link {
  /** The nodes of the flow that it leads between: of agents that hand over to each other, the one by which they are entered. */
  from: string
  to: string
  type: 'default' | 'conditional' | 'notification' | 'delay'
  /** Which way out of the source: a case of a branch, `body` or `done` of a map or loop, `error`; null for any that is not an error. */
  handle: string | null
  /** A Liquid expression; for `conditional`. */
  condition: string | undefined
  /** Seconds; for `delay`. */
  delay: number | undefined
}

export const BODY = 'body'
export const ERROR = 'error'

/** Steps that run others, which stand between their `body` handle and themselves. */
const CONTAINERS = new Set(['map', 'loop'])

/**
 * Agents, steps and connections as one graph. Connections of type `default` between two agents are not in its flow: the first may
 * call the second as a tool. Neither are handoffs, by which control moves within what is one node of the flow.
 */
export class FlowGraph {
  readonly agents: readonly string[]
  readonly steps: readonly string[]
  readonly edges: FlowEdge[] = []
  readonly tools: Link[] = []
  readonly handoffs: Link[] = []
  readonly containers: ReadonlySet<string>
  /** Agents that something leads to although the agents that they hand over to or from are entered elsewhere. */
  readonly surplus: readonly { agent: string; entry: string }[]
  readonly #entry: ReadonlyMap<string, string>
  readonly #outgoing = new Map<string, FlowEdge[]>()
  readonly #incoming = new Map<string, FlowEdge[]>()

  /** @param definition whose connections lead from nodes to nodes */
  constructor(definition: Definition) {
    const { agents, steps = [], connections } = definition
    this.agents = agents.map((node) => node.agent_id)
    this.steps = steps.map((node) => node.step_id)
    this.containers = new Set(steps.flatMap((node) => (CONTAINERS.has(node.step_type) ? [node.step_id] : [])))
    const isAgent = new Set(this.agents)
    for (const [index, connection] of connections.entries()) this.#addConnection(connection, `/connections/${index}`, isAgent)
    for (const [index, { step_id, dependencies = [] }] of steps.entries()) {
      for (const [place, source] of dependencies.entries()) {
        const pointer = `/steps/${index}/dependencies/${place}`
        this.edges.push({ ...plain, source, target: step_id, from: source, to: step_id, pointer })
      }
    }
    const { entry, surplus } = groupHandoffs(this.agents, this.handoffs, new Set(this.edges.map((edge) => edge.target)))
    this.#entry = entry
    this.surplus = surplus
    for (const edge of this.edges) {
      edge.from = this.nodeOf(edge.source)
      edge.to = this.nodeOf(edge.target)
      add(this.#outgoing, edge.from, edge)
      add(this.#incoming, edge.to, edge)
    }
  }

  #addConnection(connection: Connection, pointer: string, isAgent: ReadonlySet<string>): void {
    const source = endOf(connection, 'source').id as string
    const target = endOf(connection, 'target').id as string
    const type = connection.connection_type
    const link = { source, target, pointer }
    if (type === 'handoff') this.handoffs.push(link)
    else if (type === 'default' && isAgent.has(source) && isAgent.has(target)) this.tools.push(link)
    else {
      const { expression, seconds } = (connection['conditions'] ?? {}) as { expression?: unknown; seconds?: unknown }
      this.edges.push({
        ...plain,
        ...link,
        from: source,
        to: target,
        type: type as FlowEdge['type'],
        handle: typeof connection['source_handle'] === 'string' && connection['source_handle'] !== '' ? connection['source_handle'] : null,
        ...(type === 'conditional' && { condition: expression as string }),
        ...(type === 'delay' && { delay: seconds as number }),
      })
    }
  }

  /** The node of the flow that it is: agents that hand over to each other are one, by the agent that control enters at. */
  nodeOf(id: string): string {
    return this.#entry.get(id) ?? id
  }

  isNode(id: string): boolean {
    return this.nodeOf(id) === id
  }

  /** @param node of the flow */
  outgoing(node: string): readonly FlowEdge[] {
    return this.#outgoing.get(node) ?? []
  }

  /** @param node of the flow */
  incoming(node: string): readonly FlowEdge[] {
    return this.#incoming.get(node) ?? []
  }

  isBodyEdge({ source, handle }: FlowEdge): boolean {
    return handle === BODY && this.containers.has(source)
  }
}

const plain = { type: 'default', handle: null, condition: undefined, delay: undefined } as const

export function add<Key, Value>(lists: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = lists.get(key)
  if (list) list.push(value)
  else lists.set(key, [value])
}
