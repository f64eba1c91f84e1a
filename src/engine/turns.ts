import type { Journal } from './journal.ts'

export interface TurnsOptions {
  journal: Pick<Journal, 'nextInConversation'>
  /** What is told to go on: its turn has come. */
  heed: (executionId: string) => void
  onFault: (error: unknown) => void
}

/** What waits for its turn in a conversation. Whose turn it is stands in the journal, and is looked up when that may have changed. */
export class Turns {
  readonly #options: TurnsOptions
  readonly #behind = new Set<string>()

  constructor(options: TurnsOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#behind.size
  }

  /** It was just admitted, and somebody else is before it. */
  wait(executionId: string): void {
    this.#behind.add(executionId)
  }

  /**
   * It was to go on, and somebody comes before it. That may be one that nobody called: of two that are admitted at once the older one
   * may be written later, when the younger one has been called already.
   */
  letPass(executionId: string): void {
    this.#behind.add(executionId)
    this.callNext(executionId)
  }

  /** It waits no longer. */
  leave(executionId: string): void {
    this.#behind.delete(executionId)
  }

  clear(): void {
    this.#behind.clear()
  }

  waiting(): Iterable<string> {
    return this.#behind
  }

  /** Where nobody has the turn in the conversation of this execution, whoever comes first goes on. */
  callNext(executionId: string): void {
    const { journal, heed, onFault } = this.#options
    try {
      const next = journal.nextInConversation(executionId)
      if (next !== undefined) heed(next)
    } catch (error) {
      onFault(error)
    }
  }
}
