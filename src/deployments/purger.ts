import { setImmediate as yieldTurn } from 'node:timers/promises'
import { purgeSome } from '../executions/repository.ts'
import type { Store } from '../store/store.ts'

/** Executions per batch: few enough that nobody else's write waits noticeably. */
const BATCH = 200

/** Removes what deleted deployments left, in the background and batch by batch. */
export class Purger {
  readonly #store: Store
  readonly #onFault: (error: unknown) => void
  readonly #batch: number
  #running: Promise<void> | undefined
  #again = false
  #stopped = false

  constructor(store: Store, onFault: (error: unknown) => void, batch = BATCH) {
    this.#batch = batch
    this.#store = store
    this.#onFault = onFault
  }

  /** Begins, or goes on if it is at it. What is not done when the process ends is done after the next start. */
  start(): void {
    this.#again = true
    if (this.#running || this.#stopped) return
    this.#running = this.#purge()
      .catch(this.#onFault)
      .finally(() => {
        this.#running = undefined
        // Asked for between the last look and now.
        if (this.#again) this.start()
      })
  }

  /** Resolves when the batch in hand is written. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
  }

  async #purge(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false
      while (!this.#stopped && (await this.#store.write(purgeSome, this.#batch))) await yieldTurn()
    }
  }
}
