import { isObject } from '../commands/inputs.ts'
import type { Comparison } from '../commands/comparison.ts'
import type { Definition } from '../../src/graph/definition.ts'
import { withoutRecord, type Applied } from './applied.ts'

/** A workflow as it is and as a file wants it, compared as the server compares releases: node by node. */
export async function compareWorkflows(before: Applied, after: Applied): Promise<Comparison> {
  const { compareDefinitions, compareObjects } = await import('../../src/comparison/compare-definitions.ts')
  const [was, is] = [withoutRecord(before.configuration), withoutRecord(after.configuration)]
  const about = (one: Applied): object => ({
    ...(after.description !== undefined && { description: one.description ?? null }),
    ...(after.tags !== undefined && { tags: one.tags ?? null }),
  })
  const settings = await compareObjects(about(before), about(after), '')
  if (isComparable(was) && isComparable(is)) {
    const found = await compareDefinitions(whole(was), whole(is))
    const all = [...settings, ...found.settings]
    const counts = { ...found.counts, settings: found.counts.settings + settings.length }
    const identical = all.length + found.nodes.length + found.connections.length === 0
    return { ...found, counts, settings: all, runtime_config: [], identical }
  }
  // A draft may be anything; what is no graph is compared as it stands.
  const all = [...settings, ...(await compareObjects(was, is, '/configuration'))]
  const none = { added: 0, removed: 0, changed: 0 }
  return {
    counts: { nodes: none, connections: none, settings: all.length },
    nodes: [],
    connections: [],
    settings: all,
    runtime_config: [],
    truncated: false,
    identical: all.length === 0,
  }
}

function isComparable({ agents = [], steps = [], connections = [] }: Record<string, unknown>): boolean {
  const areObjects = (list: unknown): boolean => Array.isArray(list) && list.every(isObject)
  return areObjects(agents) && areObjects(steps) && areObjects(connections)
}

function whole(configuration: Record<string, unknown>): Definition {
  return { agents: [], connections: [], ...configuration } as Definition
}
