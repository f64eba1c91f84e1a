import type { RuntimeConfig } from '../engine/journal.ts'
import { InvalidInput, type Issue } from '../errors.ts'
import { secretNames } from '../secrets/repository.ts'
import type { Db } from '../store/store.ts'
import { problemsOf } from '../webhooks/receiver.ts'

/** What is wrong with a runtime configuration in an environment that its schema cannot say. Pointers begin with `/runtime_config`. */
export async function problemsOfRuntimeConfig(db: Db, { budget, on_failure }: RuntimeConfig, environment: string): Promise<Issue[]> {
  const says = "Say how many 'tokens' may be used, or what 'cost' in US dollars, or both."
  const empty = (['per_execution', 'per_day'] as const).filter((one) => {
    const bounds = budget?.[one]
    return bounds && bounds.tokens === undefined && bounds.cost === undefined
  })
  const problems = empty.map((one) => ({
    pointer: `/runtime_config/budget/${one}`,
    code: 'required',
    message: says,
  }))
  if (budget && !budget.per_execution && !budget.per_day) {
    problems.push({ pointer: '/runtime_config/budget', code: 'required', message: "Give a budget 'per_execution', 'per_day', or both." })
  }
  if (!on_failure) return problems
  const known = await secretNames(db, environment)
  return [...problems, ...problemsOf(on_failure, '/runtime_config/on_failure', environment, known)]
}

/** In the transaction that makes or serves a release with it. @throws InvalidInput */
export async function refuseBadRuntimeConfig(db: Db, config: RuntimeConfig, environment: string): Promise<void> {
  const errors = await problemsOfRuntimeConfig(db, config, environment)
  if (errors.length > 0) throw new InvalidInput({ errors })
}
