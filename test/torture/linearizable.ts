/** One call of a client: when it began, when it was answered, and what with. */
export interface Operation<Input, Output> {
  input: Input
  /** Undefined when no answer came: it may have happened at any time since, or never. */
  output: Output | undefined
  invokedAt: number
  /** Infinity when no answer came. */
  returnedAt: number
}

/** What the object does, one operation at a time. */
export interface Model<State, Input, Output> {
  initial: State
  /** @returns the state after the input, and the output that it must have had */
  step(state: State, input: Input): { state: State; output: Output }
  /** Whether an output that was seen is the one that the model gives. */
  matches(seen: Output, expected: Output): boolean
}

/**
 * Whether some order of the operations, in which none comes before one that was answered before it began, explains all
 * answers (Herlihy and Wing). The search of Wing and Gong with the memory of Lowe: a set of operations done and a state
 * that were tried once need not be tried again.
 * @param operations at most a few dozen, since the search is exponential where many overlap
 */
export function isLinearizable<State, Input, Output>(
  operations: readonly Operation<Input, Output>[],
  model: Model<State, Input, Output>,
): boolean {
  const answered = operations.filter(({ output }) => output !== undefined).length
  const tried = new Set<string>()

  const search = (done: bigint, doneAnswered: number, state: State): boolean => {
    if (doneAnswered === answered) return true
    const key = `${done} ${JSON.stringify(state)}`
    if (tried.has(key)) return false
    tried.add(key)
    const open = operations.flatMap((operation, index) => (done & (1n << BigInt(index)) ? [] : [{ operation, index }]))
    // Whatever comes next must have begun before every open operation was answered.
    const limit = Math.min(...open.map(({ operation }) => operation.returnedAt))
    return open.some(({ operation, index }) => {
      if (operation.invokedAt > limit) return false
      const { state: next, output } = model.step(state, operation.input)
      if (operation.output !== undefined && !model.matches(operation.output, output)) return false
      return search(done | (1n << BigInt(index)), doneAnswered + (operation.output === undefined ? 0 : 1), next)
    })
  }
  return search(0n, 0, model.initial)
}
