import type { RecordedEvent } from './journal.ts'
import { ShortLived } from './short-lived.ts'

/** Called with events that are committed, in the order of their ids; the last batch of an execution says so. */
export type EventListener = (events: readonly RecordedEvent[], ended: boolean) => void

/** Tells the streams of this process what was committed. It holds nothing: who comes later reads the journal. */
export class EventHub {
  readonly #listeners = new ShortLived<Set<EventListener>>()

  listen(executionId: string, listener: EventListener): () => void {
    const listeners = this.#listeners.get(executionId) ?? new Set()
    listeners.add(listener)
    this.#listeners.set(executionId, listeners)
    return () => {
      listeners.delete(listener)
      // Whoever leaves twice must not take those along who have come meanwhile.
      if (listeners.size === 0 && this.#listeners.get(executionId) === listeners) this.#listeners.delete(executionId)
    }
  }

  isWatched(executionId: string): boolean {
    return this.#listeners.has(executionId)
  }

  publish(executionId: string, events: readonly RecordedEvent[], ended: boolean): void {
    for (const listener of this.#listeners.get(executionId) ?? []) listener(events, ended)
  }
}
