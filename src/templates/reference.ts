/** A path that a template reads from its scope. Paths to what it assigned itself are not among them. */
export interface Reference {
  /** `['steps', 'fetch', 'output', 'title']`; up to where it depends on a value: of `steps[input.name].output` only `['steps']`. */
  path: readonly (string | number)[]
  isDynamic: boolean
  /** Whether `default` says what holds where the path leads nowhere. */
  isOptional: boolean
  /** Within a mapping, to the text; empty for a text that stands alone. */
  pointer: string
  /** From 1. */
  line: number
  column: number
}
