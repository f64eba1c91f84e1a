import { compilePlan, faultyPlan, type Plan } from '../graph/plan.ts'
import type { Definition } from '../graph/definition.ts'
import { stepKinds } from '../nodes/kinds.ts'
import type { Journal } from './journal.ts'

/** Characters of definitions whose plans are kept; a plan takes a few times as many bytes. */
const CAPACITY = 8_000_000

/** Compiled plans by the digest of their definition: memory holds nothing else of a deployment. */
export class PlanCache {
  readonly #journal: Journal
  readonly #capacity: number
  /** Insertion order is age. */
  readonly #plans = new Map<string, { plan: Plan; size: number }>()
  #size = 0

  constructor(journal: Journal, capacity = CAPACITY) {
    this.#journal = journal
    this.#capacity = capacity
  }

  get(definitionDigest: string): Plan {
    const cached = this.#plans.get(definitionDigest)
    if (cached) return cached.plan
    const text = this.#journal.definition(definitionDigest)
    if (text === undefined) throw new Error(`the definition ${definitionDigest} is missing`)
    const plan = compile(text)
    this.#keep(definitionDigest, plan, text.length)
    return plan
  }

  /** The oldest make room. One that is larger than all of it is kept alone, since it is most likely asked for again. */
  #keep(definitionDigest: string, plan: Plan, size: number): void {
    this.#plans.set(definitionDigest, { plan, size })
    this.#size += size
    for (const [oldest, { size: freed }] of this.#plans) {
      if (this.#size <= this.#capacity || oldest === definitionDigest) return
      this.#plans.delete(oldest)
      this.#size -= freed
    }
  }
}

/** Whatever is wrong with a definition: its executions end, rather than being begun for ever. */
function compile(text: string): Plan {
  try {
    return compilePlan(JSON.parse(text) as Definition, stepKinds)
  } catch (error) {
    return faultyPlan(error)
  }
}
