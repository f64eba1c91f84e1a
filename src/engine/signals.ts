import type { StepRow } from '../store/tables.ts'
import type { Attempt, Signal } from './journal.ts'

/** A wait for the next signal of a name. */
interface Expectation {
  /** There already. */
  signal?: Signal
  /** Resolves when it may have come. */
  told?: Promise<void>
  /** It is waited for no longer. */
  giveUp: () => void
}

interface Waiter {
  name: string
  seq: number
  tell: () => void
}

/** Which signals the waits of a slice have had, and which they wait for: each takes the next one of its name, and each is taken once. */
export class Signals {
  readonly #find: (name: string, seq: number) => Signal | undefined
  readonly #taken = new Map<string, number>()
  readonly #waiters = new Set<Waiter>()

  /** @param find looks up a signal by its name and number @param recorded steps of earlier slices, some of which had signals */
  constructor(find: (name: string, seq: number) => Signal | undefined, recorded: readonly StepRow[]) {
    this.#find = find
    for (const { attempts } of recorded) {
      if (!attempts.includes('"signalled"')) continue
      for (const { signalled } of JSON.parse(attempts) as Attempt[]) if (signalled !== undefined) this.#noteTaken(signalled)
    }
  }

  #noteTaken(name: string): void {
    this.#taken.set(name, (this.#taken.get(name) ?? 0) + 1)
  }

  expect(name: string): Expectation {
    const seq = (this.#taken.get(name) ?? 0) + 1
    const signal = this.#find(name, seq)
    if (signal) {
      this.#noteTaken(name)
      return { signal, giveUp: () => undefined }
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    const waiter = { name, seq, tell: resolve }
    this.#waiters.add(waiter)
    return { told: promise, giveUp: () => this.#waiters.delete(waiter) }
  }

  /** Something was decided about the execution: whoever waits looks again. */
  look(): void {
    for (const { tell } of this.#waiters) tell()
  }

  get awaited(): { name: string; seq: number }[] {
    return [...this.#waiters].map(({ name, seq }) => ({ name, seq }))
  }
}
