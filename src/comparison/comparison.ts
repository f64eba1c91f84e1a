/** What differs between two definitions, in the words of whoever made them. */

export type Kind = 'added' | 'removed' | 'changed'

/** One place that differs. */
export interface Difference {
  /** RFC 6901, into the later definition; what was removed is in the earlier one. */
  pointer: string
  change: Kind | 'reordered'
  /** Left out where it was not there, where `diff` says it, or where it is long: then `truncated` is there. */
  before?: unknown
  after?: unknown
  /** Of a text of several lines, or a long one: a unified diff without its two first lines. */
  diff?: string
  /** What is here is not all of it. */
  truncated?: true
}

export interface NodeDifference {
  change: Kind
  node: 'agent' | 'step'
  id: string
  /** Ids of the steps that run the workflow which it stands in, from the outside in; left out where that is the outermost. */
  within?: string[]
  /** An agent's type or a step's kind; the later one. */
  type: string | null
  pointer: string
  /** What of it differs; of one that was added or removed, itself. */
  differences: Difference[]
}

export interface ConnectionDifference {
  change: Kind
  source: string
  target: string
  connection_type: string
  within?: string[]
  pointer: string
  differences: Difference[]
}

export interface Counts {
  added: number
  removed: number
  changed: number
}

export interface DefinitionDifference {
  /** All of them, also those that are not listed. */
  counts: { nodes: Counts; connections: Counts; settings: number }
  nodes: NodeDifference[]
  connections: ConnectionDifference[]
  /** What stands beside nodes and connections, and lists of them that are in another order. */
  settings: Difference[]
  /** There is more than is listed. */
  truncated: boolean
}
