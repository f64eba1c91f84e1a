import { endOf, isObject, type Connection, type Definition } from '../graph/definition.ts'
import { alignByName, type Pair } from './align-lists.ts'
import { Budget } from './budget.ts'
import { ValueComparison, type Place } from './compare-values.ts'
import type { Counts, DefinitionDifference, Difference, Kind } from './comparison.ts'
import { isSame } from './is-same.ts'
import { loadTextDiff } from './text-diff.ts'

/**
 * What differs between two definitions, node by node. Milliseconds for most; what is too much to be told, or to be compared in a
 * quarter of a second, is counted and not listed.
 */
export async function compareDefinitions(before: Definition, after: Definition): Promise<DefinitionDifference> {
  const comparison = new DefinitionComparison(new Budget(), new ValueComparison(new Budget(), await loadTextDiff()))
  comparison.compare(before, after, { place: { before: '', after: '' }, within: [] })
  return comparison.result()
}

/** Any two objects. @param pointer of both */
export async function compareObjects(before: object, after: object, pointer: string): Promise<Difference[]> {
  const found: Difference[] = []
  new ValueComparison(new Budget(), await loadTextDiff()).collect(before, after, { before: pointer, after: pointer }, found)
  return found
}

/** Which definitions are compared: the outermost, or those that a step runs. */
interface Level {
  place: Place
  within: string[]
}

/** A node or a connection, as both definitions have it. */
interface Couple {
  before: object | undefined
  after: object | undefined
  place: Place
}

const nothing: Definition = { agents: [], connections: [] }

class DefinitionComparison {
  /** Of what is listed; the values have one of their own. */
  readonly #budget: Budget
  readonly #values: ValueComparison
  readonly #result: DefinitionDifference = {
    counts: { nodes: none(), connections: none(), settings: 0 },
    nodes: [],
    connections: [],
    settings: [],
    truncated: false,
  }

  constructor(budget: Budget, values: ValueComparison) {
    this.#budget = budget
    this.#values = values
  }

  result(): DefinitionDifference {
    return { ...this.#result, truncated: this.#budget.isExceeded || this.#values.isTruncated }
  }

  compare(before: Definition, after: Definition, level: Level): void {
    this.#compareNodes('agent', before.agents, after.agents, level)
    this.#compareNodes('step', before.steps ?? [], after.steps ?? [], level)
    this.#compareConnections(before.connections, after.connections, level)
    this.#collectSettings(rest(before), rest(after), level.place)
  }

  #compareNodes(node: 'agent' | 'step', before: readonly object[], after: readonly object[], level: Level): void {
    const key = `${node}_id`
    const ids = (nodes: readonly object[]): string[] => nodes.map((one) => String((one as Record<string, unknown>)[key]))
    const { pairs, isReordered } = alignByName(ids(before), ids(after))
    if (isReordered) this.#noteOrder(`${level.place.after}/${node}s`)
    for (const pair of pairs) {
      const couple = coupleAt(before, after, pair, level.place, `${node}s`)
      const id = String(((couple.after ?? couple.before) as Record<string, unknown>)[key])
      this.#compareNode(node, id, couple, level.within)
      this.#compareInner(id, couple, level.within)
    }
  }

  #compareNode(node: 'agent' | 'step', id: string, { before, after, place }: Couple, within: string[]): void {
    const [was, is] = [before && withoutInner(before), after && withoutInner(after)]
    if (isSame(was, is)) return
    const change = kindOf(before, after)
    this.#result.counts.nodes[change]++
    if (!this.#budget.takeOne()) return
    const type = (after ?? before) as { step_type?: string; agent_type?: unknown }
    this.#result.nodes.push({
      change,
      node,
      id,
      ...(within.length > 0 && { within }),
      type: type.step_type ?? (typeof type.agent_type === 'string' ? type.agent_type : null),
      pointer: after ? place.after : place.before,
      differences: this.#differences(was, is, place),
    })
  }

  /** The workflow that a step runs is a part of the release, and the same one stands there however often it is run. */
  #compareInner(id: string, { before, after, place }: Couple, within: string[]): void {
    const [was, is] = [innerOf(before), innerOf(after)]
    if (was === is) return
    const inner = { before: `${place.before}/config/definition`, after: `${place.after}/config/definition` }
    this.compare(was ?? nothing, is ?? nothing, { place: inner, within: [...within, id] })
  }

  #compareConnections(before: readonly Connection[], after: readonly Connection[], { place, within }: Level): void {
    const { pairs, isReordered } = alignByName(namesOf(before), namesOf(after))
    if (isReordered) this.#noteOrder(`${place.after}/connections`)
    for (const pair of pairs) {
      const couple = coupleAt(before, after, pair, place, 'connections')
      if (isSame(couple.before, couple.after)) continue
      const change = kindOf(couple.before, couple.after)
      this.#result.counts.connections[change]++
      if (!this.#budget.takeOne()) continue
      const connection = (couple.after ?? couple.before) as Connection
      this.#result.connections.push({
        change,
        source: String(endOf(connection, 'source').id),
        target: String(endOf(connection, 'target').id),
        connection_type: connection.connection_type,
        ...(within.length > 0 && { within }),
        pointer: couple.after ? couple.place.after : couple.place.before,
        differences: this.#differences(couple.before, couple.after, couple.place),
      })
    }
  }

  #differences(before: unknown, after: unknown, place: Place): Difference[] {
    const found: Difference[] = []
    this.#values.collect(before, after, place, found)
    return found
  }

  #collectSettings(before: object, after: object, place: Place): void {
    const found = this.#differences(before, after, place)
    this.#result.counts.settings += found.length
    this.#result.settings.push(...found)
  }

  #noteOrder(pointer: string): void {
    this.#result.counts.settings++
    if (this.#budget.takeOne()) this.#result.settings.push({ pointer, change: 'reordered' })
  }
}

function coupleAt(before: readonly object[], after: readonly object[], pair: Pair, place: Place, list: string): Couple {
  return {
    before: pair.before === undefined ? undefined : before[pair.before],
    after: pair.after === undefined ? undefined : after[pair.after],
    place: { before: `${place.before}/${list}/${pair.before}`, after: `${place.after}/${list}/${pair.after}` },
  }
}

/** A connection is named by its ends; several between the same two are counted. */
function namesOf(connections: readonly Connection[]): string[] {
  const counts = new Map<string, number>()
  return connections.map((connection) => {
    const ends = [endOf(connection, 'source').id, endOf(connection, 'target').id, connection['source_handle'] ?? null]
    const name = JSON.stringify(ends)
    const count = counts.get(name) ?? 0
    counts.set(name, count + 1)
    return `${name} ${count}`
  })
}

function innerOf(node: object | undefined): Definition | undefined {
  const { step_type, config } = (node ?? {}) as { step_type?: unknown; config?: { definition?: unknown } }
  return step_type === 'workflow' && isObject(config?.definition) ? (config.definition as Definition) : undefined
}

function withoutInner(node: object): object {
  if (!innerOf(node)) return node
  const { config, ...others } = node as { config: Record<string, unknown> }
  const { definition: _definition, ...own } = config
  return { ...others, config: own }
}

function rest({ agents: _agents, steps: _steps, connections: _connections, ...others }: Definition): object {
  return others
}

function kindOf(before: unknown, after: unknown): Kind {
  if (before === undefined) return 'added'
  return after === undefined ? 'removed' : 'changed'
}

function none(): Counts {
  return { added: 0, removed: 0, changed: 0 }
}
