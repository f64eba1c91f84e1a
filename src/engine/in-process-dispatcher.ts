import { setTimeout as delay } from 'node:timers/promises'
import { InternalError, ShuttingDown, StorageFull } from '../errors.ts'
import { Alarm } from './alarm.ts'
import type { AdmissionRequest, Cancelled, Dispatcher } from './dispatcher.ts'
import { cancelledEvent } from './end-event.ts'
import type { AdmittedExecution, History, Patience, TakenUp, TakeUpReason } from './journal.ts'
import type { Outcome, SliceOutcome } from './outcome.ts'
import { PlanCache } from './plan-cache.ts'
import { Slice, type SliceServices } from './slice.ts'

interface Running {
  slice: Slice
  outcome: Promise<SliceOutcome>
  /** It was woken while it ran: should it rest all the same, then not for long. */
  woken: boolean
}

type Settle = (outcome: Outcome) => void

/** How long an execution is left alone that could not be taken up because the disk was full. */
const FULL_DISK_MS = 1_000

/** Dispatch for one process that has the database for itself: it runs everything, up to a limit at a time. */
export class InProcessDispatcher implements Dispatcher {
  readonly #services: SliceServices
  readonly #plans: PlanCache
  readonly #limit: number
  readonly #running = new Map<string, Running>()
  /** Being read from the journal. */
  readonly #starting = new Map<string, Promise<void>>()
  #admitting = 0
  /** The ids of what waits for room, first come first served: what they ask and have done stays on disk. */
  readonly #queue = new Map<string, TakeUpReason>()
  /** Who waits for the end of an execution; it may rest meanwhile. */
  readonly #waiters = new Map<string, Settle>()
  readonly #alarm: Alarm
  #draining = false

  /** @param limit executions at a time; those that wait for a model cost little */
  constructor(services: SliceServices, limit = 1_024) {
    this.#services = services
    this.#plans = new PlanCache(services.journal)
    this.#limit = limit
    this.#alarm = new Alarm(services.clock.now(), (at) => this.#ring(at))
  }

  async admit(request: AdmissionRequest): Promise<AdmittedExecution> {
    const status = this.#queue.size === 0 && this.#taken < this.#limit ? 'running' : 'queued'
    if (status === 'queued') return this.#services.journal.admit({ ...request, status })
    // Its place is taken from now on: what is said to run must not have to wait.
    this.#admitting++
    try {
      const admitted = await this.#services.journal.admit({ ...request, status })
      this.#admitting--
      return admitted
    } catch (error) {
      this.#admitting--
      this.#startQueued()
      throw error
    }
  }

  /** Places, of `limit`. */
  get #taken(): number {
    return this.#running.size + this.#starting.size + this.#admitting
  }

  start(execution: AdmittedExecution): Promise<Outcome> {
    if (this.#draining) return Promise.resolve(left())
    const { execution_id } = execution
    const ended = new Promise<Outcome>((settle) => this.#waiters.set(execution_id, settle))
    if (execution.status === 'running') this.#run(execution)
    else this.#enqueue(execution_id, 'wake')
    return ended
  }

  wake(executionIds: readonly string[]): void {
    for (const executionId of executionIds) {
      const running = this.#running.get(executionId)
      if (!running) {
        this.#enqueue(executionId, 'wake')
        continue
      }
      running.woken = true
      running.slice.thaw()
    }
  }

  freeze(executionIds: readonly string[]): void {
    for (const executionId of executionIds) {
      this.#queue.delete(executionId)
      const running = this.#running.get(executionId)
      if (!running) continue
      running.woken = false
      running.slice.freeze()
    }
  }

  async cancel(cancelled: readonly Cancelled[]): Promise<void> {
    const ids = cancelled.map(({ execution_id }) => execution_id)
    await Promise.all(ids.flatMap((id) => this.#starting.get(id) ?? []))
    const stopped = ids.flatMap((id) => this.#running.get(id) ?? [])
    for (const { slice } of stopped) slice.stop('cancelled')
    await Promise.all(stopped.map(({ outcome }) => outcome))
    for (const one of cancelled) {
      const { execution_id, last_event_id, at } = one
      this.#services.meter.executionEnded(one, 'cancelled', at)
      this.#queue.delete(execution_id)
      this.#settle(execution_id, { status: 'cancelled' })
      this.#services.hub.publish(execution_id, [cancelledEvent(last_event_id, at)], true)
    }
  }

  watch(executionId: string): void {
    this.#running.get(executionId)?.slice.flushEvents()
  }

  async recover(): Promise<void> {
    const { journal, clock } = this.#services
    for (const executionId of journal.unfinished()) this.#queue.set(executionId, 'recovery')
    this.#ring(clock.now())
    // Those that there is room for are under way when this resolves.
    await Promise.all(this.#starting.values())
  }

  async drain(graceMs: number): Promise<void> {
    this.#draining = true
    this.#queue.clear()
    this.#alarm.stop()
    await Promise.all(this.#starting.values())
    for (const executionId of this.#waiters.keys()) if (!this.#running.has(executionId)) this.#settle(executionId, left())
    const settled = Promise.all([...this.#running.values()].map((one) => one.outcome))
    const patience = new AbortController()
    await Promise.race([settled, delay(graceMs, undefined, { signal: patience.signal }).catch(() => undefined)])
    patience.abort()
    for (const { slice } of this.#running.values()) slice.stop('shutdown')
    await settled
  }

  #enqueue(executionId: string, why: TakeUpReason): void {
    if (this.#draining) return
    if (!this.#queue.has(executionId)) this.#queue.set(executionId, why)
    this.#startQueued()
  }

  #startQueued(): void {
    for (const [executionId, why] of this.#queue) {
      if (this.#draining || this.#taken >= this.#limit) return
      this.#queue.delete(executionId)
      if (this.#running.has(executionId) || this.#starting.has(executionId)) continue
      const taken = this.#takeUp(executionId, why).finally(() => {
        this.#starting.delete(executionId)
        this.#startQueued()
      })
      this.#starting.set(executionId, taken)
    }
  }

  /** Goes on with what is recorded of an execution. What is wrong with one is no reason to leave the others. */
  async #takeUp(executionId: string, why: TakeUpReason): Promise<void> {
    try {
      const taken = await this.#services.journal.takeUp(executionId, why, this.#services.clock.now())
      if (taken && this.#draining) await this.#putBack(taken)
      else if (taken) this.#run(taken.execution, taken.history)
    } catch (error) {
      if (error instanceof StorageFull) setTimeout(() => this.#enqueue(executionId, why), FULL_DISK_MS).unref()
      else this.#services.onFault(error)
    }
  }

  /** The server began to stop while it was being taken up. */
  async #putBack({ execution: { execution_id }, history: { active_ms } }: TakenUp): Promise<void> {
    const patience: Patience = { onWait: (giveUp) => giveUp?.abort() }
    await this.#services.journal.rest({ execution_id, active_ms, status: 'queued', wake_at: null }, patience)
  }

  #run(execution: AdmittedExecution, history?: History): void {
    const { execution_id, definition_digest } = execution
    const onStalled = (): void => this.#settle(execution_id, { status: 'left', error: new StorageFull({}) })
    try {
      const slice = new Slice(execution, this.#plans.get(definition_digest), this.#services, onStalled, history)
      const outcome = slice.run().catch((error: unknown) => this.#leave(error))
      this.#running.set(execution_id, { slice, outcome, woken: false })
      void outcome.then((ended) => this.#endSlice(execution_id, ended))
    } catch (error) {
      this.#settle(execution_id, this.#leave(error))
    }
  }

  #endSlice(executionId: string, outcome: SliceOutcome): void {
    const woken = this.#running.get(executionId)!.woken
    this.#running.delete(executionId)
    if (outcome.status !== 'resting') this.#settle(executionId, outcome)
    else if (woken) this.#enqueue(executionId, 'wake')
    else if (outcome.wake_at !== null) this.#alarm.set(outcome.wake_at)
    this.#startQueued()
  }

  #leave(error: unknown): Outcome {
    this.#services.onFault(error)
    return { status: 'left', error: new InternalError({}) }
  }

  #settle(executionId: string, outcome: Outcome): void {
    const settle = this.#waiters.get(executionId)
    this.#waiters.delete(executionId)
    settle?.(outcome)
  }

  /** The time has come of everything that rests until then. */
  #ring(at: number): void {
    if (this.#draining) return
    const { journal, onFault } = this.#services
    try {
      const next = journal.nextWake(at)
      if (next !== undefined) this.#alarm.set(next)
      for (const executionId of journal.due(at)) this.#enqueue(executionId, 'wake')
    } catch (error) {
      onFault(error)
    }
    this.#startQueued()
  }
}

/** A later process goes on with it. */
function left(): Outcome {
  return { status: 'left', error: new ShuttingDown({}) }
}
