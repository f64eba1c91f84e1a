/** What a wait ends with that stands within what has failed: nobody goes on from it, and it has not failed by itself. */
export class Abandoned extends Error {
  override readonly name = 'Abandoned'

  constructor() {
    super('what it stands in has failed')
  }
}

/**
 * The parts of an execution that have failed as a whole, by what the ids of their steps begin with. A body ends once all that is
 * under way in it has; a person who does not decide, or a signal that does not come, would keep it for ever.
 */
export class FailedParts {
  readonly #begins: string[] = []
  readonly #waits = new Set<{ id: string; end: (reason: Error) => void }>()

  /** Ends the waits within it, those that begin later as well. */
  add(begin: string): void {
    this.#begins.push(begin)
    for (const { id, end } of this.#waits) if (id.startsWith(begin)) end(new Abandoned())
  }

  /** @throws Abandoned */
  throwIfWithin(id: string): void {
    for (const begin of this.#begins) if (id.startsWith(begin)) throw new Abandoned()
  }

  /** What somebody waits for under this id, as long as what it stands in has not failed. @throws Abandoned */
  async unlessFailed(id: string, work: () => Promise<unknown>): Promise<void> {
    this.throwIfWithin(id)
    const { promise, reject } = Promise.withResolvers<never>()
    const wait = { id, end: reject }
    this.#waits.add(wait)
    try {
      await Promise.race([work(), promise])
    } finally {
      this.#waits.delete(wait)
    }
  }
}
