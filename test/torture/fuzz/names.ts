import type { Random } from '../random.ts'

/** How many of each are remembered. */
const MOST = 40

/** Ids and names that answers brought, so that later requests ask for what there is. */
export class Names {
  readonly #random: Random
  readonly #known = new Map<string, string[]>()
  readonly #spared: ReadonlySet<string>

  /** @param spared what is never given, since others depend on it */
  constructor(random: Random, spared: readonly string[]) {
    this.#random = random
    this.#spared = new Set(spared)
  }

  /** Looks for them in what was answered. */
  learn(answer: unknown): void {
    for (const one of Array.isArray(answer) ? answer.slice(0, 5) : [answer]) {
      if (typeof one !== 'object' || one === null) continue
      for (const [name, value] of Object.entries(one)) if (typeof value === 'string') this.#add(name, value)
    }
  }

  #add(name: string, value: string): void {
    if (!/_id$|^deployment_name$|^name$|^environment$/.test(name) || value.length > 200 || this.#spared.has(value)) return
    const known = this.#known.get(name) ?? []
    if (known.includes(value)) return
    if (known.length < MOST) known.push(value)
    else known[Math.floor(this.#random.between(0, MOST))] = value
    this.#known.set(name, known)
  }

  /** Undefined where there is none yet. */
  any(name: string): string | undefined {
    const known = this.#known.get(name)
    return known && this.#random.pick(known)
  }
}
