/** Something that waits for a process. */
export interface Waiting {
  readonly tenant: string
}

interface Tenant<Item> {
  running: number
  /** In order of arrival. */
  waiting: Set<Item>
}

/**
 * Who is next. The tenant that has the fewest programs running, and among those the one that was longest not served; within a tenant, whoever came
 * first. So of a tenant that fills every process, what waits stands behind one program of each other tenant, however much it is.
 */
export class WaitingPrograms<Item extends Waiting> {
  /** The longest not served first. Those of whom nothing runs or waits are forgotten. */
  readonly #tenants = new Map<string, Tenant<Item>>()
  readonly #mostOfOne: number

  /** @param mostOfOne how many programs of one tenant may run at the same time */
  constructor(mostOfOne: number) {
    this.#mostOfOne = mostOfOne
  }

  add(item: Item): void {
    const tenant = this.#tenants.get(item.tenant) ?? { running: 0, waiting: new Set() }
    tenant.waiting.add(item)
    this.#tenants.set(item.tenant, tenant)
  }

  /** It does not want to run any more. */
  remove(item: Item): void {
    this.#tenants.get(item.tenant)?.waiting.delete(item)
    this.#forgetIfIdle(item.tenant)
  }

  /** Takes the next one out; it runs until `noteEnd`. Undefined if none may run now. */
  take(): Item | undefined {
    const name = this.#next()
    if (name === undefined) return undefined
    const tenant = this.#tenants.get(name)!
    const [item] = tenant.waiting
    tenant.waiting.delete(item!)
    tenant.running++
    this.#tenants.delete(name)
    this.#tenants.set(name, tenant)
    return item
  }

  noteEnd(item: Item): void {
    this.#tenants.get(item.tenant)!.running--
    this.#forgetIfIdle(item.tenant)
  }

  /** How many could run at once now, if there were processes. */
  get ready(): number {
    let ready = 0
    for (const { running, waiting } of this.#tenants.values()) ready += Math.min(waiting.size, Math.max(0, this.#mostOfOne - running))
    return ready
  }

  /** Takes out all that wait. */
  takeAll(): Item[] {
    const items = [...this.#tenants.values()].flatMap(({ waiting }) => [...waiting])
    for (const item of items) this.remove(item)
    return items
  }

  #next(): string | undefined {
    let next: string | undefined
    let fewest = this.#mostOfOne
    for (const [name, { running, waiting }] of this.#tenants) {
      if (waiting.size === 0 || running >= fewest) continue
      next = name
      fewest = running
    }
    return next
  }

  #forgetIfIdle(name: string): void {
    const tenant = this.#tenants.get(name)
    if (tenant && tenant.running === 0 && tenant.waiting.size === 0) this.#tenants.delete(name)
  }
}
