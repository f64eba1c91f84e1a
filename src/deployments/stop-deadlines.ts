import type { Clock } from '../clock.ts'
import { StorageFull } from '../errors.ts'
import { Alarm } from '../engine/alarm.ts'
import type { Dispatcher } from '../engine/dispatcher.ts'
import type { Store } from '../store/store.ts'
import { keepDeadline, nextDeadline } from './stop-repository.ts'

export interface StopDeadlinesOptions {
  store: Store
  dispatcher: Pick<Dispatcher, 'cancel'>
  clock: Clock
  onFault: (error: unknown) => void
}

/** What could not be written, as on a full disk, is tried again after so long. Milliseconds. */
const AGAIN_MS = 1_000

/** Sees to it that deadlines of stops are kept. They are in the database; what is here is when to look. */
export class StopDeadlines {
  readonly #options: StopDeadlinesOptions
  readonly #alarm: Alarm
  #working: Promise<void> | undefined
  #isStopped = false

  constructor(options: StopDeadlinesOptions) {
    this.#options = options
    this.#alarm = new Alarm(options.clock.now, (at) => this.#ring(at))
  }

  /** Those that came while no process ran are kept at once. */
  start(): void {
    this.#ring(0)
  }

  /** A stop with a deadline was made. */
  note(at: number): void {
    if (!this.#isStopped) this.#alarm.set(at)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#alarm.stop()
    await this.#working
  }

  #ring(at: number): void {
    const before = this.#working ?? Promise.resolve()
    this.#working = before
      .then(() => this.#keep(at))
      .catch((error: unknown) => {
        if (!(error instanceof StorageFull)) this.#options.onFault(error)
        this.note(this.#options.clock.now() + AGAIN_MS)
      })
  }

  async #keep(at: number): Promise<void> {
    const { store, dispatcher, clock } = this.#options
    while (!this.#isStopped) {
      // The wall clock may have been set back since the alarm was set by it.
      const cancelled = await store.write(keepDeadline, Math.max(at, clock.now()))
      if (!cancelled) break
      await dispatcher.cancel(cancelled)
    }
    const next = await nextDeadline(store.read)
    if (next !== undefined) this.note(next)
  }
}
