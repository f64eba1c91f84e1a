import { endOf, type Connection, type Definition } from './definition.ts'

/** How control goes from a node to another. */
export interface FlowEdge {
  source: string
  target: string
  type: 'default' | 'conditional' | 'notification' | 'delay'
  /** Which way out of the source: a case of a branch, `body` or `done` of a map or loop, `error`; null for any that is not an error. */
  handle: string | null
  /** A Liquid expression; for `conditional`. */
  condition: string | undefined
  /** Seconds; for `delay`. */
  delay: number | undefined
  /** Into the configuration. */
  pointer: string
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
  readonly tools: FlowEdge[] = []
  readonly handoffs: FlowEdge[] = []
  readonly containers: ReadonlySet<string>
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
        this.#addFlow({ ...plain, source, target: step_id, pointer })
      }
    }
  }

  #addConnection(connection: Connection, pointer: string, isAgent: ReadonlySet<string>): void {
    const source = endOf(connection, 'source').id as string
    const target = endOf(connection, 'target').id as string
    const type = connection.connection_type
    const edge = { ...plain, source, target, pointer }
    if (type === 'handoff') this.handoffs.push(edge)
    else if (type === 'default' && isAgent.has(source) && isAgent.has(target)) this.tools.push(edge)
    else {
      const { expression, seconds } = (connection['conditions'] ?? {}) as { expression?: unknown; seconds?: unknown }
      this.#addFlow({
        ...edge,
        type: type as FlowEdge['type'],
        handle: typeof connection['source_handle'] === 'string' && connection['source_handle'] !== '' ? connection['source_handle'] : null,
        ...(type === 'conditional' && { condition: expression as string }),
        ...(type === 'delay' && { delay: seconds as number }),
      })
    }
  }

  #addFlow(edge: FlowEdge): void {
    this.edges.push(edge)
    add(this.#outgoing, edge.source, edge)
    add(this.#incoming, edge.target, edge)
  }

  outgoing(id: string): readonly FlowEdge[] {
    return this.#outgoing.get(id) ?? []
  }

  incoming(id: string): readonly FlowEdge[] {
    return this.#incoming.get(id) ?? []
  }

  isBodyEdge({ source, handle }: FlowEdge): boolean {
    return handle === BODY && this.containers.has(source)
  }
}

const plain = { type: 'default', handle: null, condition: undefined, delay: undefined } as const

function add<Key, Value>(lists: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = lists.get(key)
  if (list) list.push(value)
  else lists.set(key, [value])
}
