import type { FlowEdge } from './flow-graph.ts'
import type { Flow, PlannedEdge } from './plan.ts'

/** What notifications lead to, and nothing else does: an execution of its own runs it, which nobody waits for. */
export interface Notification {
  /** Of the first of its nodes. */
  id: string
  /** Of the step that records that it was begun. */
  stepId: string
  name: string
  /** How many connections must be decided before it begins, or is skipped. */
  incoming: number
  flow: Flow
  /** The nodes before it whose results it reads. Listed anew by each call. */
  reads: () => readonly string[]
}

/** A connection into a notification. */
export interface PlannedNotice {
  /** The place of the notification. */
  to: number
  /** The node that it leads to. */
  target: string
  edge: PlannedEdge
}

type Edges = ReadonlyMap<string, readonly FlowEdge[]>

/**
 * The nodes that are reached by notifications alone, those together that connections join. Not where something else comes behind them,
 * or one of them is to be waited for: then they stay in the flow that leads to them.
 * @param order the nodes, each after those that it depends on @param isAwaited whether a node is to be waited for
 */
export function findNotifications(order: readonly string[], edges: Edges, isAwaited: (id: string) => boolean): string[][] {
  const alone = findAlone(order, edges, isAwaited)
  const groups = new Map([...alone].map((id) => [id, { nodes: [id], stays: false }]))
  for (const id of alone) {
    for (const { to } of edges.get(id) ?? []) {
      const [group, other] = [groups.get(id)!, groups.get(to)]
      if (!other) group.stays = true
      else if (other !== group) join(groups, group, other)
    }
  }
  const places = new Map(order.map((id, place) => [id, place]))
  const apart = [...new Set(groups.values())].filter(({ stays }) => !stays)
  return apart.map(({ nodes }) => nodes.sort((a, b) => places.get(a)! - places.get(b)!))
}

function findAlone(order: readonly string[], edges: Edges, isAwaited: (id: string) => boolean): Set<string> {
  const alone = new Set<string>()
  const entered = new Set<string>()
  const awaited = new Set<string>()
  for (const id of order) {
    if (entered.has(id) && !awaited.has(id) && !isAwaited(id)) alone.add(id)
    for (const { to, type } of edges.get(id) ?? []) {
      entered.add(to)
      if (type !== 'notification' && !alone.has(id)) awaited.add(to)
    }
  }
  return alone
}

interface Group {
  nodes: string[]
  stays: boolean
}

/** The smaller one goes into the larger. */
function join(groups: Map<string, Group>, a: Group, b: Group): void {
  const [into, from] = a.nodes.length < b.nodes.length ? [b, a] : [a, b]
  into.stays ||= from.stays
  for (const id of from.nodes) {
    into.nodes.push(id)
    groups.set(id, into)
  }
}

/** Wherever it stands. */
export function findNotification({ notifications }: Flow, id: string): Notification | undefined {
  for (const one of notifications) {
    const found = one.id === id ? one : findNotification(one.flow, id)
    if (found) return found
  }
  return undefined
}
