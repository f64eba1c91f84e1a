/** What a body was given to work on. */
export const GIVEN = Symbol('given')

/** What templates, conditions and steps see of an execution. Each node sees the nodes before it. */
export interface Scope {
  input: unknown
  query: string
  chat_history: readonly unknown[]
  variables: Readonly<Record<string, string>>
  /** By node id. What no condition reached is there as well, without an output. */
  steps: Record<string, NodeResult>
  /** When the execution was admitted, RFC 3339: the same after every restart. */
  now: string
  execution: Readonly<Record<string, unknown>>
  /** Within a body: its item, or what the iteration before gave. No template can name it, whatever the item is called. */
  [GIVEN]?: unknown
  /** Further names within a body: `item` and `index` of a map, `iteration` and `previous` of a loop. */
  [name: string]: unknown
}

export interface NodeResult {
  status: 'completed' | 'skipped' | 'failed'
  output: unknown
}
