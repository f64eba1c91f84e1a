import type { Budget } from '../engine/budget.ts'
import { DEFAULT_MEMORY, type Memory } from '../engine/conversation.ts'
import type { Concurrency, RuntimeConfig } from '../engine/journal.ts'

export const defaultRuntimeConfig: RuntimeConfig = { timeout: 300, max_retries: 3 }

/** Executions that may wait where a concurrency says nothing of it. */
export const DEFAULT_QUEUE = 100

/** As a request gives it; what it leaves out is the default. */
export interface GivenRuntimeConfig extends Partial<Omit<RuntimeConfig, 'concurrency' | 'budget' | 'memory'>> {
  concurrency?: Pick<Concurrency, 'limit'> & Partial<Concurrency>
  budget?: GivenBudget
  memory?: Partial<Memory>
}

interface GivenBudget {
  per_execution?: Partial<NonNullable<Budget['per_execution']>>
  per_day?: Partial<NonNullable<Budget['per_day']>>
}

/**
 * What a release runs with. Nothing given: as the last release; `{}` or a part: the rest is the default again.
 */
export function inheritRuntimeConfig(given: GivenRuntimeConfig | undefined, last: RuntimeConfig | undefined): RuntimeConfig {
  if (given === undefined) return last ?? defaultRuntimeConfig
  const { concurrency, budget, memory, ...rest } = given
  return {
    ...defaultRuntimeConfig,
    ...rest,
    ...(concurrency && { concurrency: { queue: DEFAULT_QUEUE, ...concurrency } }),
    ...(budget && { budget: completed(budget) }),
    ...(memory && { memory: { ...DEFAULT_MEMORY, ...memory } }),
  }
}

function completed({ per_execution, per_day }: GivenBudget): Budget {
  return {
    ...(per_execution && { per_execution: { ...per_execution, on_exceeded: per_execution.on_exceeded ?? 'stop' } }),
    ...(per_day && { per_day: { ...per_day, on_exceeded: per_day.on_exceeded ?? 'refuse' } }),
  }
}

/** `active` is a route of the API, so no deployment can be called that. */
export const deploymentNamePattern = '^(?!active$)[A-Za-z0-9][A-Za-z0-9._-]{0,127}$'
export const deploymentNameRule =
  "A deployment name has 1 to 128 letters, digits, dots, underscores and hyphens, begins with a letter or a digit, and is not 'active'."
