import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '../clock.ts'
import { purgeDeleted, purgeExpired } from '../executions/removal-repository.ts'
import { purgeIdempotencyKeys } from '../idempotency/repository.ts'
import type { Store } from '../store/store.ts'

export interface HousekeeperOptions {
  store: Store
  clock: Clock
  /** How long executions are kept after they ended, in milliseconds; without it, for ever. */
  retentionMs?: number | undefined
  /** Gives some of what is free in the database back to the file system. @returns whether there is more */
  giveBack: () => Promise<boolean>
  onFault: (error: unknown) => void
}

/** How often it looks for what has expired. Milliseconds. */
const LOOK_MS = 3_600_000

/**
 * After each command it rests for so many times as long as that took, waiting included: so it uses a quarter of the writing
 * thread at most, and less of a busy one.
 */
const REST = 3

/** Idempotency keys of one command; the answers that are kept with them may be large. */
const KEYS = 100

/** Removes in the background, in commands of milliseconds, what was deleted and what is kept no longer. */
export class Housekeeper {
  readonly #options: HousekeeperOptions
  readonly #stopping = new AbortController()
  #working: Promise<void> | undefined
  #again = false
  #timer: NodeJS.Timeout | undefined

  constructor(options: HousekeeperOptions) {
    this.#options = options
  }

  /** Works now and from time to time. What is not done when the process ends is done after the next start. */
  start(): void {
    this.purge()
    // Nothing stays much longer than it should, and what a full disk did not allow is tried again.
    const interval = Math.max(1_000, Math.min(LOOK_MS, (this.#options.retentionMs ?? Infinity) / 20))
    this.#timer = setInterval(() => this.purge(), interval).unref()
  }

  /** Begins to remove what a deletion has hidden, or goes on if it is at it. */
  purge(): void {
    this.#again = true
    if (this.#working || this.#stopping.signal.aborted) return
    this.#working = this.#work()
      .catch(this.#options.onFault)
      .finally(() => {
        this.#working = undefined
        // Asked for between the last look and now.
        if (this.#again) this.purge()
      })
  }

  /** Resolves when the command in hand is written. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#stopping.abort()
    await this.#working
  }

  async #work(): Promise<void> {
    const { store, clock, giveBack } = this.#options
    while (this.#again && !this.#stopping.signal.aborted) {
      this.#again = false
      // What has expired and is large is taken apart with what was deleted.
      await this.#removeExpired()
      await this.#repeat(() => store.write(purgeDeleted, undefined))
      await this.#repeat(() => store.write(purgeIdempotencyKeys, { now: clock.now(), limit: KEYS }))
      await this.#repeat(giveBack)
    }
  }

  async #removeExpired(): Promise<void> {
    const { store, clock, retentionMs } = this.#options
    if (retentionMs === undefined) return
    const now = clock.now()
    const ended_before = now - retentionMs
    let after: string | undefined = ''
    await this.#repeat(async () => {
      after = await store.write(purgeExpired, { ended_before, after: after!, now })
      return after !== undefined
    })
  }

  /** @param command which says whether there is more to do */
  async #repeat(command: () => Promise<boolean>): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const began = performance.now()
      if (!(await command())) return
      await delay(REST * (performance.now() - began), undefined, { signal }).catch(() => undefined)
    }
  }
}
