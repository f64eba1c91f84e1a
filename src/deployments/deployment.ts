import type { RuntimeConfig } from '../engine/journal.ts'

export const defaultRuntimeConfig: RuntimeConfig = { timeout: 300, max_retries: 3 }

/**
 * What a release runs with. Nothing given: as the last release; `{}` or a part: the rest is the default again.
 */
export function inheritRuntimeConfig(given: Partial<RuntimeConfig> | undefined, last: RuntimeConfig | undefined): RuntimeConfig {
  return given === undefined ? (last ?? defaultRuntimeConfig) : { ...defaultRuntimeConfig, ...given }
}

/** `active` is a route of the API, so no deployment can be called that. */
export const deploymentNamePattern = '^(?!active$)[A-Za-z0-9][A-Za-z0-9._-]{0,127}$'
export const deploymentNameRule =
  "A deployment name has 1 to 128 letters, digits, dots, underscores and hyphens, begins with a letter or a digit, and is not 'active'."
