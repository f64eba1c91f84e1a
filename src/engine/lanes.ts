import type { Pending, TakeUpReason } from './journal.ts'

/** An execution that waits to be taken up. What it asks and has done stays on disk. */
export interface Waiting extends Pending {
  why: TakeUpReason
}

/** How much of what was known before counts when another one leaves. */
const MEMORY = 0.8

const NONE: readonly Waiting[] = []

class Lane {
  /** Executions at a time. */
  limit = Infinity
  /** Those that run, or are about to. */
  taken = 0
  /** Those that had been given a place which there was not; before the others. */
  readonly returned = new Map<string, Waiting>()
  readonly waiting = new Map<string, Waiting>()
  #leftAt: number | undefined
  /** Milliseconds from one that leaves to the next. */
  #interval: number | undefined

  get isFull(): boolean {
    return this.taken >= this.limit
  }

  get isEmpty(): boolean {
    return this.taken === 0 && this.returned.size === 0 && this.waiting.size === 0
  }

  /** Undefined as long as it is not known. */
  get interval(): number | undefined {
    return this.#interval
  }

  leave(): void {
    this.taken--
    if (this.limit === Infinity) return
    const now = performance.now()
    if (this.#leftAt !== undefined) {
      const last = now - this.#leftAt
      this.#interval = this.#interval === undefined ? last : MEMORY * this.#interval + (1 - MEMORY) * last
    }
    this.#leftAt = now
  }

  /** Those that there is a place for now. */
  *next(): Generator<Waiting> {
    for (const queue of [this.returned, this.waiting]) {
      for (const [executionId, waiting] of queue) {
        if (this.isFull) return
        queue.delete(executionId)
        this.taken++
        yield waiting
      }
    }
  }
}

/**
 * Each deployment has a lane, in which its executions wait for one of the places that its concurrency gives: first come,
 * first served, and one that has none to give keeps no other deployment waiting.
 */
export class Lanes {
  readonly #lanes = new Map<string, Lane>()
  readonly #limitOf: (deploymentId: string) => number
  #size = 0

  /** @param limitOf asked when an execution comes of a deployment of which there is none here */
  constructor(limitOf: (deploymentId: string) => number) {
    this.#limitOf = limitOf
  }

  /** How many wait, in all lanes. */
  get size(): number {
    return this.#size
  }

  /** @returns those that take the places which a higher limit gives */
  setLimit(deploymentId: string, limit: number): readonly Waiting[] {
    const lane = this.#lanes.get(deploymentId)
    // A lane that is made later asks by itself.
    if (!lane) return NONE
    lane.limit = limit
    return this.#next(lane)
  }

  /** One that has begun takes a place, whether there is one or not. @param limit where it is known */
  take(deploymentId: string, limit?: number): void {
    this.#laneOf(deploymentId, limit).taken++
  }

  /** @returns whether it has a place; if not, it waits for one */
  enter(waiting: Waiting): boolean {
    const lane = this.#laneOf(waiting.deployment_id)
    if (lane.returned.has(waiting.execution_id) || lane.waiting.has(waiting.execution_id)) return false
    if (lane.isFull || lane.returned.size + lane.waiting.size > 0) {
      lane.waiting.set(waiting.execution_id, waiting)
      this.#size++
      return false
    }
    lane.taken++
    return true
  }

  /** @returns those that take the place */
  leave(deploymentId: string): readonly Waiting[] {
    const lane = this.#laneOf(deploymentId)
    lane.leave()
    const next = this.#next(lane)
    if (lane.isEmpty) this.#lanes.delete(deploymentId)
    return next
  }

  /** It was given a place that somebody else had meanwhile: it is the first to get the next one. */
  putBack(waiting: Waiting): void {
    const lane = this.#laneOf(waiting.deployment_id)
    lane.taken--
    lane.returned.set(waiting.execution_id, waiting)
    this.#size++
  }

  /** It waits no longer. */
  remove({ deployment_id, execution_id }: Pick<Pending, 'deployment_id' | 'execution_id'>): void {
    const lane = this.#lanes.get(deployment_id)
    if (!lane) return
    if (lane.returned.delete(execution_id) || lane.waiting.delete(execution_id)) this.#size--
    if (lane.isEmpty) this.#lanes.delete(deployment_id)
  }

  clear(): void {
    for (const { returned, waiting } of this.#lanes.values()) {
      returned.clear()
      waiting.clear()
    }
    this.#size = 0
  }

  /** The ids of all that wait. */
  *waiting(): Generator<string> {
    for (const { returned, waiting } of this.#lanes.values()) {
      yield* returned.keys()
      yield* waiting.keys()
    }
  }

  /** In how many milliseconds a place is likely to become free; undefined where nothing is known. */
  interval(deploymentId: string): number | undefined {
    return this.#lanes.get(deploymentId)?.interval
  }

  #next(lane: Lane): readonly Waiting[] {
    if (lane.returned.size + lane.waiting.size === 0) return NONE
    const next = [...lane.next()]
    this.#size -= next.length
    return next
  }

  #laneOf(deploymentId: string, limit?: number): Lane {
    let lane = this.#lanes.get(deploymentId)
    if (!lane) {
      lane = new Lane()
      lane.limit = limit ?? this.#limitOf(deploymentId)
      this.#lanes.set(deploymentId, lane)
    } else if (limit !== undefined) lane.limit = limit
    return lane
  }
}
