import type { Waiting } from './lanes.ts'

/** An execution whose request is larger is heavy, … */
const HEAVY_BYTES = 65_536
/** … and so much of heavy requests is in memory at most, unless one alone is more. A thousand of ten megabytes would end the process. */
const MOST_HEAVY_BYTES = 128_000_000

/**
 * What has a place in its lane and waits for room in the process: first come, first served, but that light executions do not
 * wait for the memory that heavy ones need.
 */
export class ReadyQueue {
  readonly #light = new Map<string, Waiting>()
  readonly #heavy = new Map<string, Waiting>()
  /** Of heavy requests that are in memory. */
  #bytes = 0

  get size(): number {
    return this.#light.size + this.#heavy.size
  }

  has(executionId: string): boolean {
    return this.#light.has(executionId) || this.#heavy.has(executionId)
  }

  add(waiting: Waiting): void {
    const queue = isHeavy(waiting.bytes) ? this.#heavy : this.#light
    queue.set(waiting.execution_id, waiting)
  }

  /** @returns whether it waited */
  delete(executionId: string): boolean {
    return this.#light.delete(executionId) || this.#heavy.delete(executionId)
  }

  clear(): void {
    this.#light.clear()
    this.#heavy.clear()
  }

  ids(): string[] {
    return [...this.#light.keys(), ...this.#heavy.keys()]
  }

  /** Whether one that comes now need not wait, as far as memory and its elders are concerned. @param bytes of its request */
  letsPass(bytes: number): boolean {
    return isHeavy(bytes) ? this.#heavy.size === 0 && this.#fits(bytes) : this.#light.size === 0
  }

  /** The one whose turn it is, taken out of the queue and into memory. */
  next(): Waiting | undefined {
    if (this.size === 0) return undefined
    const light = first(this.#light)
    const heavy = first(this.#heavy)
    const takesHeavy = heavy && this.#fits(heavy.bytes) && !(light && light.execution_id < heavy.execution_id)
    const next = takesHeavy ? heavy : light
    if (!next) return undefined
    this.delete(next.execution_id)
    this.take(next.bytes)
    return next
  }

  /** A request is in memory. */
  take(bytes: number): void {
    if (isHeavy(bytes)) this.#bytes += bytes
  }

  /** It is not any more. */
  leave(bytes: number): void {
    if (isHeavy(bytes)) this.#bytes -= bytes
  }

  #fits(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= MOST_HEAVY_BYTES
  }
}

function isHeavy(bytes: number): boolean {
  return bytes > HEAVY_BYTES
}

function first(queue: ReadonlyMap<string, Waiting>): Waiting | undefined {
  return queue.values().next().value
}
