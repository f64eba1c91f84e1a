import type { Clock } from '../clock.ts'
import { Alarm } from './alarm.ts'
import type { Journal, Pending } from './journal.ts'

export interface WakesOptions {
  journal: Pick<Journal, 'due' | 'nextWake'>
  clock: Clock
  /** Whose time has come, the earliest first. */
  onDue: (due: readonly Pending[]) => void
  onFault: (error: unknown) => void
}

/** Wakes executions that rest until a time. Which those are stands in the journal; what is here is when to look. */
export class Wakes {
  readonly #options: WakesOptions
  readonly #alarm: Alarm
  #isStopped = false

  constructor(options: WakesOptions) {
    this.#options = options
    this.#alarm = new Alarm(options.clock.now, (at) => this.ring(at))
  }

  /** One rests until this time. */
  note(at: number): void {
    if (!this.#isStopped) this.#alarm.set(at)
  }

  /** The time has come of everything that rests until then. */
  ring(at: number): void {
    if (this.#isStopped) return
    const { journal, clock, onDue, onFault } = this.#options
    // The wall clock may have been set since.
    const until = Math.max(at, clock.now())
    try {
      const next = journal.nextWake(until)
      if (next !== undefined) this.#alarm.set(next)
      onDue(journal.due(until))
    } catch (error) {
      onFault(error)
    }
  }

  stop(): void {
    this.#isStopped = true
    this.#alarm.stop()
  }
}
