import type { RecordedEvent } from './journal.ts'

/**
 * How much each step's current attempt has added to the answer that the execution streams. Counted in characters, which
 * are Unicode code points, as in the languages of most clients.
 */
export class AnswerTally {
  readonly #characters = new Map<string, number>()

  /** @param events of an earlier slice: what its interrupted attempts had added and not taken back */
  constructor(events: readonly RecordedEvent[]) {
    for (const event of events) {
      if (event.type === 'content') this.add(event['step_id'] as string, event['data'] as string)
      if (event.type === 'retry') this.take(event['step_id'] as string)
    }
  }

  /** @returns whether it is the first that the attempt adds */
  add(stepId: string, text: string): boolean {
    const before = this.#characters.get(stepId) ?? 0
    this.#characters.set(stepId, before + countCharacters(text))
    return before === 0
  }

  has(stepId: string): boolean {
    return this.#characters.has(stepId)
  }

  /** What the attempt had added, which is taken back. */
  take(stepId: string): number {
    const characters = this.#characters.get(stepId) ?? 0
    this.#characters.delete(stepId)
    return characters
  }
}

/** Of well-formed text: two halves of a pair are one. */
function countCharacters(text: string): number {
  let count = text.length
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit >= 0xdc00 && unit <= 0xdfff) count--
  }
  return count
}
