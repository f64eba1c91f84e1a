import type { Clock } from '../clock.ts'
import { BudgetExceeded } from '../errors.ts'
import type { ModelRequest, Tokens } from '../models/model.ts'
import type { Usage } from './usage.ts'

/** At least one of both. A bound that is reached is used up. */
export interface BudgetBounds {
  tokens?: number
  /** US dollars. */
  cost?: number
}

/** `stop`: an execution fails before its next model call. `refuse`: new executions are refused. `warn`: it is only said. */
export interface Budget {
  per_execution?: BudgetBounds & { on_exceeded: 'stop' | 'warn' }
  /** Of all executions of the deployment in a day in UTC; `stop` refuses new ones as well. */
  per_day?: BudgetBounds & { on_exceeded: 'refuse' | 'stop' | 'warn' }
}

export interface BudgetUse {
  tokens: number
  cost: number
}

/** What was used in a day in UTC. */
export interface DayUsage extends BudgetUse {
  /** Days since 1970. */
  day: number
}

export const DAY_MS = 86_400_000

/** The day in UTC, by the clock of the server. */
export function dayOf(at: number): number {
  return Math.floor(at / DAY_MS)
}

export interface ReachedBound {
  unit: 'tokens' | 'cost'
  allowed: number
  used: number
}

/** The first bound that is used up. */
export function findReached(bounds: BudgetBounds, used: { tokens: number; cost: number | null }): ReachedBound | undefined {
  for (const unit of ['tokens', 'cost'] as const) {
    const [allowed, use] = [bounds[unit], used[unit]]
    if (allowed !== undefined && use !== null && use >= allowed) return { unit, allowed, used: use }
  }
  return undefined
}

export interface BudgetSources {
  clock: Clock
  /** What the execution has used. */
  usage: Usage
  costOf: ((model: string, tokens: Tokens) => number | null) | undefined
  /** What its deployment has used that day, with all that the execution itself has used by now. */
  usedOn: (day: number) => Promise<BudgetUse>
  tell: (event: { type: 'budget'; scope: Scope } & ReachedBound) => void
}

type Scope = 'execution' | 'day'

const NO_TOKENS: Tokens = { input: 0, output: 0, total: 0 }

/** What an execution may use, asked before each of its model calls. What calls under way beside it use comes on top. */
export class ExecutionBudget {
  readonly #budget: Budget
  readonly #sources: BudgetSources
  readonly #warned = new Set<Scope>()

  constructor(budget: Budget, sources: BudgetSources) {
    this.#budget = budget
    this.#sources = sources
  }

  /** @throws BudgetExceeded */
  async admit(request: Pick<ModelRequest, 'model' | 'base_url'>): Promise<void> {
    const { per_execution, per_day } = this.#budget
    const { usage, clock, usedOn } = this.#sources
    this.#refuseUnpriced(request)
    if (per_execution) {
      this.#consider('execution', per_execution, findReached(per_execution, { tokens: usage.tokens.total, cost: usage.cost }))
    }
    if (!per_day || per_day.on_exceeded === 'refuse') return
    this.#consider('day', per_day, findReached(per_day, await usedOn(dayOf(clock.now()))))
  }

  /** Where a price is not known, nobody could say that the budget is not used up. */
  #refuseUnpriced({ model, base_url }: Pick<ModelRequest, 'model' | 'base_url'>): void {
    const { per_execution, per_day } = this.#budget
    const scope = isBinding(per_execution) ? 'execution' : isBinding(per_day) ? 'day' : undefined
    if (!scope || (base_url === undefined && this.#sources.costOf?.(model, NO_TOKENS) != null)) return
    const allowed = (scope === 'execution' ? per_execution : per_day)!.cost!
    throw new BudgetExceeded({ scope, unit: 'cost', allowed, used: null, model })
  }

  #consider(scope: Scope, { on_exceeded }: { on_exceeded: string }, reached: ReachedBound | undefined): void {
    if (!reached) return
    if (on_exceeded === 'stop') throw new BudgetExceeded({ scope, ...reached })
    if (this.#warned.has(scope)) return
    this.#warned.add(scope)
    this.#sources.tell({ type: 'budget', scope, ...reached })
  }
}

function isBinding(bounds: (BudgetBounds & { on_exceeded: string }) | undefined): boolean {
  return bounds?.cost !== undefined && bounds.on_exceeded !== 'warn'
}
