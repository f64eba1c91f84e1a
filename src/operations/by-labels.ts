type Level<Value> = Map<string, Level<Value> | Value>

/**
 * Values by those of some labels. Looked up one label after the other: this is the hot path, where one text of all of them would
 * have to be made, and hashed, each time.
 */
export class ByLabels<Value> {
  readonly #depth: number
  readonly #make: () => Value
  readonly #all: { labels: readonly string[]; value: Value }[] = []
  readonly #levels: Level<Value> = new Map()

  /** @param depth how many labels there are @param make what is kept of labels that come for the first time */
  constructor(depth: number, make: () => Value) {
    this.#depth = depth
    this.#make = make
  }

  /** In the order in which they came. */
  get all(): readonly { labels: readonly string[]; value: Value }[] {
    return this.#all
  }

  get(labels: readonly string[]): Value {
    let level = this.#levels
    for (let index = 0; index < this.#depth - 1; index++) {
      const next = level.get(labels[index]!) as Level<Value> | undefined
      if (next) level = next
      else level.set(labels[index]!, (level = new Map()))
    }
    const last = labels[this.#depth - 1] ?? ''
    return (level.get(last) as Value | undefined) ?? this.#add(level, last, labels)
  }

  #add(level: Level<Value>, last: string, labels: readonly string[]): Value {
    const value = this.#make()
    level.set(last, value)
    this.#all.push({ labels, value })
    return value
  }
}
