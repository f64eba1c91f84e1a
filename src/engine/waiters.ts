import { StorageFull } from '../errors.ts'
import { left, type Outcome } from './outcome.ts'
import { ShortLived } from './short-lived.ts'

type Settle = (outcome: Outcome) => void

/** Who waits for the end of an execution; it may rest meanwhile. */
export class Waiters {
  readonly #settles = new ShortLived<Settle>()

  /** Resolves with what it is settled with. */
  wait(executionId: string): Promise<Outcome> {
    return new Promise<Outcome>((settle) => this.#settles.set(executionId, settle))
  }

  settle(executionId: string, outcome: Outcome): void {
    const settle = this.#settles.get(executionId)
    this.#settles.delete(executionId)
    settle?.(outcome)
  }

  /** Whoever waits for the answer of an execution that waits for room on the disk, or behind such a one, is not left waiting. */
  tellFull(executionIds: Iterable<string>): void {
    for (const executionId of executionIds) this.settle(executionId, left(new StorageFull({})))
  }

  ids(): Iterable<string> {
    return this.#settles.keys()
  }
}
