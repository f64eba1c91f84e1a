import { setTimeout as delay } from 'node:timers/promises'
import type { AdmittedExecution } from './journal.ts'
import { cancelledEvent } from './end-event.ts'
import type { Cancelled, Dispatcher } from './dispatcher.ts'
import { InternalError, ShuttingDown, StorageFull } from '../errors.ts'
import type { Outcome } from './outcome.ts'
import { PlanCache } from './plan-cache.ts'
import { Slice, type History, type SliceServices } from './slice.ts'

interface Waiting {
  execution: AdmittedExecution
  settle: (outcome: Outcome | Promise<Outcome>) => void
}

/** How long an execution rests that was let go because the disk was full. */
const FULL_DISK_MS = 1_000

/** Dispatch for one process that has the database for itself: it runs everything, up to a limit at a time. */
export class InProcessDispatcher implements Dispatcher {
  readonly #services: SliceServices
  readonly #plans: PlanCache
  readonly #limit: number
  readonly #running = new Map<string, { slice: Slice; outcome: Promise<Outcome> }>()
  /** Admitted and waiting for room, in the order of their admission. */
  readonly #waiting: Waiting[] = []
  #draining = false

  /** @param limit executions at a time; those that wait for a model cost little */
  constructor(services: SliceServices, limit = 1_024) {
    this.#services = services
    this.#plans = new PlanCache(services.journal)
    this.#limit = limit
  }

  get hasRoom(): boolean {
    return this.#waiting.length === 0 && this.#running.size < this.#limit
  }

  start(execution: AdmittedExecution): Promise<Outcome> {
    if (this.#draining) return Promise.resolve({ status: 'left', error: new ShuttingDown({}) })
    if (this.hasRoom) return this.#run(execution, undefined, execution.status === 'queued')
    return new Promise((settle) => this.#waiting.push({ execution, settle }))
  }

  async cancel(cancelled: readonly Cancelled[]): Promise<void> {
    const ids = new Set(cancelled.map(({ execution_id }) => execution_id))
    const stopped = [...ids].flatMap((id) => this.#running.get(id) ?? [])
    for (const { slice } of stopped) slice.stop('cancelled')
    for (const waiting of this.#waiting.splice(0)) {
      if (ids.has(waiting.execution.execution_id)) waiting.settle({ status: 'cancelled' })
      else this.#waiting.push(waiting)
    }
    await Promise.all(stopped.map(({ outcome }) => outcome))
    for (const { execution_id, last_event_id, at } of cancelled) {
      this.#services.hub.publish(execution_id, [cancelledEvent(last_event_id, at)], true)
    }
  }

  watch(executionId: string): void {
    this.#running.get(executionId)?.slice.flushEvents()
  }

  async recover(): Promise<void> {
    for (const executionId of this.#services.journal.unfinished()) {
      while (this.#running.size >= this.#limit) await Promise.race([...this.#running.values()].map((one) => one.outcome))
      if (this.#draining) return
      if (!this.#running.has(executionId)) await this.#takeUp(executionId)
    }
  }

  async drain(graceMs: number): Promise<void> {
    this.#draining = true
    for (const waiting of this.#waiting.splice(0)) waiting.settle({ status: 'left', error: new ShuttingDown({}) })
    const settled = Promise.all([...this.#running.values()].map((one) => one.outcome))
    const patience = new AbortController()
    await Promise.race([settled, delay(graceMs, undefined, { signal: patience.signal }).catch(() => undefined)])
    patience.abort()
    for (const { slice } of this.#running.values()) slice.stop('shutdown')
    await settled
  }

  #run(execution: AdmittedExecution, history?: History, wasQueued = false): Promise<Outcome> {
    return this.#runSlice(execution, history, wasQueued).finally(() => {
      this.#running.delete(execution.execution_id)
      this.#startWaiting()
    })
  }

  async #runSlice(execution: AdmittedExecution, history: History | undefined, wasQueued: boolean): Promise<Outcome> {
    try {
      const slice = new Slice(execution, this.#plans.get(execution.definition_digest), this.#services, history)
      if (wasQueued) slice.noteStart()
      const outcome = slice.run()
      this.#running.set(execution.execution_id, { slice, outcome })
      const end = await outcome
      if (end.status === 'left' && end.error instanceof StorageFull) this.#takeUpLater(execution.execution_id)
      return end
    } catch (error) {
      this.#services.onFault(error)
      return { status: 'left', error: new InternalError({}) }
    }
  }

  /** Goes on with what is recorded of an execution. What is wrong with one is no reason to leave the others. */
  async #takeUp(executionId: string): Promise<void> {
    try {
      const left = await this.#services.journal.recover(executionId, this.#services.clock.now())
      if (left && !this.#draining) void this.#run(left.execution, left)
    } catch (error) {
      if (error instanceof StorageFull) this.#takeUpLater(executionId)
      else this.#services.onFault(error)
    }
  }

  #takeUpLater(executionId: string): void {
    setTimeout(() => !this.#draining && void this.#takeUp(executionId), FULL_DISK_MS).unref()
  }

  #startWaiting(): void {
    while (!this.#draining && this.#running.size < this.#limit) {
      const next = this.#waiting.shift()
      if (!next) return
      next.settle(this.#run(next.execution, undefined, true))
    }
  }
}
