import { compilePlan, type Plan } from '../graph/plan.ts'
import type { Definition } from '../graph/definition.ts'
import type { Journal } from './journal.ts'

const CAPACITY = 1_000

/** Compiled plans by the digest of their definition: memory holds nothing else of a deployment. */
export class PlanCache {
  readonly #journal: Journal
  readonly #plans = new Map<string, Plan>()

  constructor(journal: Journal) {
    this.#journal = journal
  }

  get(definitionDigest: string): Plan {
    const cached = this.#plans.get(definitionDigest)
    if (cached) return cached
    const text = this.#journal.definition(definitionDigest)
    if (text === undefined) throw new Error(`the definition ${definitionDigest} is missing`)
    const plan = compilePlan(JSON.parse(text) as Definition)
    // Insertion order is age; the oldest makes room.
    if (this.#plans.size >= CAPACITY) this.#plans.delete(this.#plans.keys().next().value!)
    this.#plans.set(definitionDigest, plan)
    return plan
  }
}
