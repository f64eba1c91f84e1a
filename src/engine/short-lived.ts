/**
 * What comes and goes by the thousand, by its id. Not a Map: when that has given place to so many, it moves to a new table, and
 * V8 lets the old table, which still holds all that was there then, refer to the new one. Once such a table has survived
 * two of V8's quick collections, it takes all that come after it along into the old generation, dead or alive.
 */
export class ShortLived<Value> {
  readonly #values: Record<string, Value> = Object.create(null) as Record<string, Value>
  #size = 0

  get size(): number {
    return this.#size
  }

  has(id: string): boolean {
    return this.#values[id] !== undefined
  }

  get(id: string): Value | undefined {
    return this.#values[id]
  }

  /** @param value anything but undefined */
  set(id: string, value: Value): void {
    if (this.#values[id] === undefined) this.#size++
    this.#values[id] = value
  }

  delete(id: string): void {
    if (this.#values[id] === undefined) return
    this.#size--
    delete this.#values[id]
  }

  /** Those that are there now, the oldest first. */
  keys(): string[] {
    return Object.keys(this.#values)
  }

  /** Those that are there now, the oldest first. */
  values(): Value[] {
    return Object.values(this.#values)
  }
}
