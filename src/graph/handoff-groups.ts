import type { Link } from './flow-graph.ts'

/** Agents that hand over to each other are one node of the flow: control enters at one of them and leaves from where it ended. */
export interface HandoffGroups {
  /** Agent → the agent by which its group is entered; itself where it hands over to nobody. */
  entry: ReadonlyMap<string, string>
  /** Agents by which a group is entered that is entered elsewhere already. */
  surplus: { agent: string; entry: string }[]
}

/** @param reached what a connection of the flow leads to */
export function groupHandoffs(agents: readonly string[], handoffs: readonly Link[], reached: ReadonlySet<string>): HandoffGroups {
  const neighbours = new Map<string, string[]>(handoffs.flatMap(({ source, target }) => [[source, []] as const, [target, []] as const]))
  for (const { source, target } of handoffs) {
    neighbours.get(source)!.push(target)
    neighbours.get(target)!.push(source)
  }
  const isTarget = new Set(handoffs.map((edge) => edge.target))
  const place = new Map(agents.map((id, index) => [id, index]))
  const byPlace = (a: string, b: string): number => place.get(a)! - place.get(b)!
  const entry = new Map<string, string>()
  const surplus: HandoffGroups['surplus'] = []
  for (const agent of agents) {
    if (entry.has(agent)) continue
    const members = connected(agent, neighbours)
    const entered = [...members].filter((id) => !isTarget.has(id) || reached.has(id)).toSorted(byPlace)
    const first = entered[0] ?? agent
    for (const id of members) entry.set(id, first)
    surplus.push(...entered.slice(1).map((id) => ({ agent: id, entry: first })))
  }
  return { entry, surplus }
}

function connected(start: string, neighbours: ReadonlyMap<string, readonly string[]>): Set<string> {
  const found = new Set([start])
  for (const id of found) for (const neighbour of neighbours.get(id) ?? []) found.add(neighbour)
  return found
}
