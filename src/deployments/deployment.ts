import type { Concurrency, RuntimeConfig } from '../engine/journal.ts'

export const defaultRuntimeConfig: RuntimeConfig = { timeout: 300, max_retries: 3 }

/** Executions that may wait where a concurrency says nothing of it. */
export const DEFAULT_QUEUE = 100

/** As a request gives it; what it leaves out is the default. */
export interface GivenRuntimeConfig extends Partial<Omit<RuntimeConfig, 'concurrency'>> {
  concurrency?: Pick<Concurrency, 'limit'> & Partial<Concurrency>
}

/**
 * What a release runs with. Nothing given: as the last release; `{}` or a part: the rest is the default again.
 */
export function inheritRuntimeConfig(given: GivenRuntimeConfig | undefined, last: RuntimeConfig | undefined): RuntimeConfig {
  if (given === undefined) return last ?? defaultRuntimeConfig
  const { concurrency, ...rest } = given
  return { ...defaultRuntimeConfig, ...rest, ...(concurrency && { concurrency: { queue: DEFAULT_QUEUE, ...concurrency } }) }
}

/** `active` is a route of the API, so no deployment can be called that. */
export const deploymentNamePattern = '^(?!active$)[A-Za-z0-9][A-Za-z0-9._-]{0,127}$'
export const deploymentNameRule =
  "A deployment name has 1 to 128 letters, digits, dots, underscores and hyphens, begins with a letter or a digit, and is not 'active'."
