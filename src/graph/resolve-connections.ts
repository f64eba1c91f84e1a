import { endOf, isObject, type Connection } from './definition.ts'
import type { Findings } from './findings.ts'

const TYPES = ['default', 'conditional', 'handoff', 'notification', 'delay']

/** The longest delay: a year. Seconds. */
const MAX_DELAY = 31_536_000

export interface Nodes {
  isNode: (id: string) => boolean
  isAgent: (id: string) => boolean
  /** The nodes that use a registered agent. */
  users: ReadonlyMap<string, readonly string[]>
}

/** Turns the ends of connections into ids of nodes, and checks what the type of each demands. */
export class ConnectionResolver {
  readonly #findings: Findings
  readonly #nodes: Nodes

  constructor(nodes: Nodes, findings: Findings) {
    this.#nodes = nodes
    this.#findings = findings
  }

  resolve(value: unknown, index: number): Connection | undefined {
    const pointer = `/connections/${index}`
    if (!isObject(value)) return this.#findings.problem(pointer, 'wrong_type', `Connection ${index} must be an object.`)
    const type = value['connection_type'] ?? 'default'
    if (typeof type !== 'string' || !TYPES.includes(type)) {
      return this.#findings.problem(
        `${pointer}/connection_type`,
        'unknown_connection_type',
        `Connection ${index} is of type ${JSON.stringify(type)}, but it may be one of ${TYPES.join(', ')}.`,
      )
    }
    this.#checkConditions(value['conditions'] ?? {}, type, index)
    const source = this.#resolveEnd(value, 'source', index)
    const target = this.#resolveEnd(value, 'target', index)
    if (!source || !target) return undefined
    if (type === 'handoff') this.#checkHandoff([source, target], index)
    return { ...value, [source.key]: source.id, [target.key]: target.id, connection_type: type }
  }

  #checkConditions(conditions: unknown, type: string, index: number): void {
    const pointer = `/connections/${index}/conditions`
    const { expression, seconds } = isObject(conditions) ? conditions : {}
    if (type === 'conditional' && (typeof expression !== 'string' || expression.trim() === '')) {
      this.#findings.problem(
        `${pointer}/expression`,
        'required',
        `Connection ${index} is conditional, so its conditions need an 'expression' such as "steps.fetch.output.total > 100".`,
      )
    }
    if (type === 'delay' && !(typeof seconds === 'number' && seconds >= 0 && seconds <= MAX_DELAY)) {
      this.#findings.problem(
        `${pointer}/seconds`,
        'required',
        `Connection ${index} is a delay, so its conditions need 'seconds': a number from 0 to ${MAX_DELAY}.`,
      )
    }
  }

  #checkHandoff(ends: { key: string; id: string }[], index: number): void {
    for (const { key, id } of ends) {
      if (this.#nodes.isAgent(id)) continue
      this.#findings.problem(
        `/connections/${index}/${key}`,
        'handoff_without_agent',
        `Connection ${index} is a handoff, which leads from an agent to an agent, but '${id}' is a step.`,
      )
    }
  }

  /** An end is a node's id, or the id of a registered agent that exactly one node uses. */
  #resolveEnd(connection: Record<string, unknown>, end: 'source' | 'target', index: number): { key: string; id: string } | undefined {
    const { key, id } = endOf(connection, end)
    const pointer = `/connections/${index}/${key}`
    if (typeof id !== 'string' || id === '') return this.#findings.problem(pointer, 'required', `Connection ${index} needs a ${key}.`)
    if (this.#nodes.isNode(id)) return { key, id }
    const users = this.#nodes.users.get(id) ?? []
    if (users.length === 1) return { key, id: users[0]! }
    if (users.length > 1)
      return this.#findings.problem(
        pointer,
        'ambiguous_node',
        `'${id}' is used by ${users.length} nodes (${users.join(', ')}); name one of them.`,
      )
    return this.#findings.problem(
      pointer,
      'unknown_node',
      `Connection ${index} leads ${end === 'source' ? 'from' : 'to'} '${id}', which is no node of this workflow.`,
    )
  }
}
