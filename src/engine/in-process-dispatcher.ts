import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises'
import { DeploymentBusy, InternalError, ShuttingDown, StorageFull } from '../errors.ts'
import type { AdmissionRequest, Cancelled, Dispatcher } from './dispatcher.ts'
import { cancelledEvent } from './end-event.ts'
import type { AdmittedExecution, History, Patience, Pending, Standing } from './journal.ts'
import { KeyPlaces } from './key-places.ts'
import { Lanes, type Waiting } from './lanes.ts'
import { ReadyQueue } from './ready-queue.ts'
import { left, type Outcome, type SliceOutcome } from './outcome.ts'
import { PlanCache } from './plan-cache.ts'
import { ShortLived } from './short-lived.ts'
import { Slice, type SliceServices } from './slice.ts'
import { Turns } from './turns.ts'
import { Waiters } from './waiters.ts'
import { Wakes } from './wakes.ts'
import { withRetryAfter } from './when-free.ts'

interface Running {
  slice: Slice
  /** Of its request. */
  bytes: number
  outcome: Promise<SliceOutcome>
  /** Something was decided about the execution while it ran. */
  heeded: boolean
}

/** How long an execution is left alone that could not be taken up because the disk was full. */
const FULL_DISK_MS = 1_000
/** … and one whose journal could not be written for another reason, which is a fault, and may last. */
const FAULT_MS = 10_000

/** Executions that may wait here. Each takes some hundred bytes, and what waits behind so many waits for long. */
const MOST_WAITING = 100_000

/** Dispatch for one process that has the database for itself: it runs everything, up to a limit at a time. */
export class InProcessDispatcher implements Dispatcher {
  readonly #services: SliceServices
  readonly #plans: PlanCache
  readonly #limit: number
  readonly #running = new ShortLived<Running>()
  /** Being read from the journal. */
  readonly #starting = new Map<string, Promise<void>>()
  /** Between the request for admission and the start: the bytes of the request. */
  readonly #admitting = new Map<string, number>()
  /** Something was decided about them while they were being admitted or read; it is looked up as soon as that is over. */
  readonly #undecided = new Set<string>()
  readonly #queue = new ReadyQueue()
  /** What waits for a place among the executions of its deployment. */
  readonly #lanes: Lanes
  readonly #turns: Turns
  readonly #keys = new KeyPlaces()
  readonly #waiters = new Waiters()
  readonly #wakes: Wakes
  /** Of `#admitting`, those that are to run at once. */
  #reserved = 0
  #draining = false

  /** @param limit executions at a time; those that wait for a model cost little */
  constructor(services: SliceServices, limit = 1_024) {
    this.#services = { ...services, onBegun: (executionIds) => this.heed(executionIds) }
    this.#plans = new PlanCache(services.journal)
    this.#limit = limit
    this.#lanes = new Lanes((deploymentId) => this.#concurrency(deploymentId))
    const { journal, clock, onFault } = services
    this.#turns = new Turns({ journal, heed: (executionId) => this.heed([executionId]), onFault })
    this.#wakes = new Wakes({ journal, clock, onDue: (due) => this.#wakeAll(due), onFault })
  }

  async admit(request: AdmissionRequest): Promise<AdmittedExecution> {
    const { execution_id, api_key_id, key_concurrency } = request
    if (api_key_id !== null) this.#keys.take(api_key_id, key_concurrency ?? Infinity, execution_id)
    const request_json = JSON.stringify(request.request)
    const bytes = request_json.length
    const status = this.#taken < this.#limit && this.#queue.letsPass(bytes) ? 'running' : 'queued'
    // Its place is taken from now on: what is said to run must not have to wait.
    if (status === 'running') this.#reserved++
    this.#queue.take(bytes)
    this.#admitting.set(execution_id, bytes)
    try {
      const execution = await this.#services.journal.admit({ ...request, request_json, status })
      this.#place(execution)
      return execution
    } catch (error) {
      this.#admitting.delete(execution_id)
      this.#queue.leave(bytes)
      this.#keys.leave(execution_id)
      throw error instanceof DeploymentBusy ? withRetryAfter(error, (id) => this.#lanes.interval(id)) : error
    } finally {
      if (status === 'running') this.#reserved--
      if (!this.#admitting.has(execution_id)) this.#startQueued()
    }
  }

  /** It is counted among those of its deployment before anybody else is. */
  #place({ deployment_id, status, runtime_config }: AdmittedExecution): void {
    const limit = runtime_config.concurrency?.limit ?? Infinity
    if (status === 'running') this.#lanes.take(deployment_id, limit)
    this.#startAll(this.#lanes.setLimit(deployment_id, limit))
  }

  heedDeployment(deploymentId: string): void {
    this.#startAll(this.#lanes.setLimit(deploymentId, this.#concurrency(deploymentId)))
  }

  /** A hint: what may begin is decided in the journal. */
  #concurrency(deploymentId: string): number {
    try {
      return this.#services.journal.concurrency(deploymentId)?.limit ?? Infinity
    } catch (error) {
      this.#services.onFault(error)
      return Infinity
    }
  }

  get isFull(): boolean {
    return this.#queue.size + this.#lanes.size + this.#turns.size >= MOST_WAITING
  }

  get running(): number {
    return this.#running.size + this.#starting.size
  }

  /** Places, of `limit`. */
  get #taken(): number {
    return this.#running.size + this.#starting.size + this.#reserved
  }

  start(execution: AdmittedExecution): Promise<Outcome> {
    const { execution_id, deployment_id, status, session_turn } = execution
    const bytes = this.#admitting.get(execution_id)!
    this.#admitting.delete(execution_id)
    const isHeeded = this.#undecided.delete(execution_id)
    const standing = isHeeded ? this.#services.journal.standing(execution_id) : { frozen: false }
    if (!standing || this.#draining) {
      this.#keys.leave(execution_id)
      this.#queue.leave(bytes)
      if (status === 'running') this.#leaveLane(deployment_id)
      if (!standing) return Promise.resolve({ status: 'cancelled' })
      if (status === 'running') void this.#putBack(execution_id, 0)
      return Promise.resolve(left(new ShuttingDown({})))
    }
    const ended = this.#waiters.wait(execution_id)
    if (status === 'running') this.#run(execution, bytes, standing.frozen)
    else {
      this.#queue.leave(bytes)
      if (session_turn === 0 && !isHeeded) this.#turns.wait(execution_id)
      else this.#enqueue({ execution_id, deployment_id, bytes, why: 'wake' })
    }
    return ended
  }

  heed(executionIds: readonly string[]): void {
    // Their ids sort by the time of their admission, and who came first goes on first.
    for (const executionId of executionIds.toSorted()) {
      if (this.#admitting.has(executionId) || this.#starting.has(executionId)) this.#undecided.add(executionId)
      else this.#lookUp(executionId)
    }
  }

  /** One whose slice is just ending is looked up again when it has. */
  #lookUp(executionId: string): void {
    const standing = this.#services.journal.standing(executionId)
    if (!standing) return
    const running = this.#running.get(executionId)
    if (running) running.heeded = true
    if (standing.frozen) running?.slice.freeze()
    else if (running) running.slice.thaw()
    else this.#enqueue({ ...pendingOf(executionId, standing), why: 'wake' })
  }

  async cancel(cancelled: readonly Cancelled[]): Promise<void> {
    const ids = cancelled.map(({ execution_id }) => execution_id)
    const admitting = ids.filter((id) => this.#admitting.has(id))
    for (const id of admitting) this.#undecided.add(id)
    // By then they have been started, and whoever streams them listens.
    if (admitting.length > 0) await turn()
    await Promise.all(ids.flatMap((id) => this.#starting.get(id) ?? []))
    const stopped = ids.flatMap((id) => this.#running.get(id) ?? [])
    for (const { slice } of stopped) slice.stop('cancelled')
    await Promise.all(stopped.map(({ outcome }) => outcome))
    for (const one of cancelled) {
      const { execution_id, deployment_id, last_event_id, at } = one
      this.#services.meter.executionEnded(one, 'cancelled', at)
      this.#keys.leave(execution_id)
      this.#turns.leave(execution_id)
      if (this.#queue.delete(execution_id)) this.#leaveLane(deployment_id)
      else this.#lanes.remove(one)
      this.#waiters.settle(execution_id, { status: 'cancelled' })
      this.#services.hub.publish(execution_id, [cancelledEvent(last_event_id, at)], true)
      this.#callNext(one)
    }
  }

  atWork(deploymentId: string): number {
    let count = 0
    for (const { slice } of this.#running.values()) if (slice.execution.deployment_id === deploymentId) count++
    return count
  }

  watch(executionId: string): void {
    this.#running.get(executionId)?.slice.flushEvents()
  }

  async recover(): Promise<void> {
    const { journal, clock } = this.#services
    for (const { begun, ...pending } of journal.unfinished()) {
      const waiting: Waiting = { ...pending, why: 'recovery' }
      // What had begun has its place, also if the limit was lowered since.
      if (begun) this.#lanes.take(pending.deployment_id)
      if (begun || this.#lanes.enter(waiting)) this.#queue.add(waiting)
    }
    this.#startQueued()
    this.#wakes.ring(clock.now())
    // Those that there is room for are under way when this resolves.
    await Promise.all(this.#starting.values())
  }

  async drain(graceMs: number): Promise<void> {
    this.#draining = true
    this.#queue.clear()
    this.#lanes.clear()
    this.#turns.clear()
    this.#wakes.stop()
    await Promise.all(this.#starting.values())
    for (const executionId of this.#waiters.ids()) {
      if (!this.#running.has(executionId)) this.#waiters.settle(executionId, left(new ShuttingDown({})))
    }
    const settled = Promise.all(this.#running.values().map((one) => one.outcome))
    const patience = new AbortController()
    await Promise.race([settled, delay(graceMs, undefined, { signal: patience.signal }).catch(() => undefined)])
    patience.abort()
    for (const { slice } of this.#running.values()) slice.stop('shutdown')
    await settled
  }

  #enqueue(waiting: Waiting): void {
    if (this.#draining || this.#queue.has(waiting.execution_id)) return
    this.#turns.leave(waiting.execution_id)
    if (this.#lanes.enter(waiting)) this.#queue.add(waiting)
    this.#startQueued()
  }

  #enqueueLater(waiting: Waiting, ms: number): void {
    setTimeout(() => this.#enqueue(waiting), ms).unref()
  }

  /** They have a place in their lane now. */
  #startAll(waiting: readonly Waiting[]): void {
    if (this.#draining || waiting.length === 0) return
    for (const one of waiting) this.#queue.add(one)
    this.#startQueued()
  }

  /** A place in a lane is free. */
  #leaveLane(deploymentId: string): void {
    this.#startAll(this.#lanes.leave(deploymentId))
  }

  #startQueued(): void {
    while (!this.#draining && this.#taken < this.#limit) {
      const waiting = this.#queue.next()
      if (!waiting) return
      const { execution_id, deployment_id, bytes } = waiting
      if (!this.#running.has(execution_id) && !this.#starting.has(execution_id)) {
        this.#starting.set(execution_id, this.#takeUp(waiting))
        continue
      }
      if (this.#starting.has(execution_id)) this.#undecided.add(execution_id)
      this.#queue.leave(bytes)
      this.#leaveLane(deployment_id)
    }
  }

  /** Goes on with what is recorded of an execution. What is wrong with one is no reason to leave the others. */
  async #takeUp(waiting: Waiting): Promise<void> {
    const { execution_id, deployment_id, bytes, why } = waiting
    let hasPlace = true
    let isRunning = false
    try {
      const taken = await this.#services.journal.takeUp(execution_id, why, this.#services.clock.now())
      if (taken === 'full') {
        this.#lanes.putBack(waiting)
        hasPlace = false
      } else if (taken === 'behind') this.#letPass(execution_id)
      else if (!taken) this.#settleIfEnded(execution_id)
      else if (this.#draining) await this.#putBack(execution_id, taken.history.active_ms)
      else {
        // What it has is left with the slice.
        isRunning = true
        hasPlace = false
        this.#run(taken.execution, bytes, false, taken.history)
      }
    } catch (error) {
      if (error instanceof StorageFull) {
        this.#waiters.tellFull([execution_id])
        this.#enqueueLater(waiting, FULL_DISK_MS)
      } else this.#services.onFault(error)
    } finally {
      this.#starting.delete(execution_id)
      if (!isRunning) this.#queue.leave(bytes)
      if (hasPlace) this.#leaveLane(deployment_id)
      if (this.#undecided.delete(execution_id)) this.#lookUp(execution_id)
      this.#startQueued()
    }
  }

  /** It was cancelled before anybody here had heard of it. */
  #settleIfEnded(executionId: string): void {
    if (this.#services.journal.standing(executionId)) return
    this.#keys.leave(executionId)
    this.#waiters.settle(executionId, { status: 'cancelled' })
  }

  /** The server began to stop while it was being admitted or taken up: a later process goes on, and counts no crash. */
  async #putBack(execution_id: string, active_ms: number): Promise<void> {
    const patience: Patience = { onWait: (giveUp) => giveUp?.abort() }
    const rest = { execution_id, active_ms, booked_ms: 0, status: 'queued', wake_at: null, awaits: [], frozen: false } as const
    await this.#services.journal.rest(rest, patience).catch(this.#services.onFault)
  }

  #run(execution: AdmittedExecution, bytes: number, frozen: boolean, history?: History): void {
    const { execution_id, deployment_id, definition_digest, api_key_id, entry } = execution
    // What it has begun is no request of its key.
    if (api_key_id !== null && !entry) this.#keys.enter(api_key_id, execution_id)
    const onStalled = (): void =>
      this.#waiters.tellFull([execution_id, ...this.#queue.ids(), ...this.#lanes.waiting(), ...this.#turns.waiting()])
    try {
      const slice = new Slice(execution, this.#plans.get(definition_digest), this.#services, onStalled, history)
      if (frozen) slice.freeze()
      const outcome = slice.run().catch((error: unknown) => this.#leave(error))
      this.#running.set(execution_id, { slice, outcome, bytes, heeded: false })
      void outcome.then((ended) => this.#endSlice(execution, ended))
    } catch (error) {
      this.#queue.leave(bytes)
      this.#leaveLane(deployment_id)
      this.#keys.leave(execution_id)
      this.#waiters.settle(execution_id, this.#leave(error))
    }
  }

  #endSlice(execution: AdmittedExecution, outcome: SliceOutcome): void {
    const { execution_id: executionId, deployment_id } = execution
    const { bytes, heeded } = this.#running.get(executionId)!
    this.#running.delete(executionId)
    this.#queue.leave(bytes)
    this.#keys.leave(executionId)
    this.#leaveLane(deployment_id)
    if (outcome.status === 'resting') this.#noteRest(executionId, outcome.wake_at)
    else this.#waiters.settle(executionId, outcome)
    this.#callNext(execution)
    // It may have been woken since its rest was written, or resumed since its end was.
    if (heeded || outcome.status === 'resting') this.#wakeIfQueued(executionId)
    // What could not be written is no end: it goes on as soon as it can be.
    if (outcome.status === 'left') this.#enqueueLater({ execution_id: executionId, deployment_id, bytes, why: 'recovery' }, FAULT_MS)
    this.#startQueued()
  }

  #letPass(executionId: string): void {
    if (!this.#draining) this.#turns.letPass(executionId)
  }

  /** Where it has ended, the next one of its conversation goes on. One that rests, or is left, keeps its turn. */
  #callNext({ execution_id, session_turn }: Pick<AdmittedExecution, 'execution_id' | 'session_turn'>): void {
    if (session_turn !== null && !this.#draining) this.#turns.callNext(execution_id)
  }

  #noteRest(executionId: string, wakeAt: number | null): void {
    if (this.#draining) this.#waiters.settle(executionId, left(new ShuttingDown({})))
    else if (wakeAt !== null) this.#wakes.note(wakeAt)
  }

  #wakeIfQueued(executionId: string): void {
    try {
      const standing = this.#services.journal.standing(executionId)
      if (standing?.status !== 'queued') return
      this.#enqueue({ ...pendingOf(executionId, standing), why: 'wake' })
    } catch (error) {
      this.#services.onFault(error)
    }
  }

  #leave(error: unknown): Outcome {
    this.#services.onFault(error)
    return left(new InternalError({}))
  }

  #wakeAll(due: readonly Pending[]): void {
    for (const one of due) this.#enqueue({ ...one, why: 'due' })
  }
}

function pendingOf(execution_id: string, { deployment_id, bytes }: Standing): Pending {
  return { execution_id, deployment_id, bytes }
}
