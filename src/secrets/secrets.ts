import type { Scrubber } from './scrubber.ts'

/**
 * Gives the values of secrets to whoever uses them. Ask right before the use and keep nothing: a secret that was changed counts
 * from the next question on.
 */
export interface Secrets {
  /** @throws SecretMissing, SecretUnreadable */
  resolve(environment: string, name: string): Promise<string>
  /** By name. @throws SecretMissing, SecretUnreadable */
  resolveAll(environment: string, names: readonly string[]): Promise<Record<string, string>>
  /** Undefined where the environment has none of that name. @throws SecretUnreadable */
  find(environment: string, name: string): Promise<string | undefined>
}

/** Knows what must not be seen of an environment. */
export interface Masks {
  /** Makes sure that `of` knows what the environment has; undefined where it does already. */
  ready(environment: string): Promise<void> | undefined
  /** Hides the values of the environment; undefined where there is nothing to hide. */
  of(environment: string): Scrubber | undefined
}

/** For what runs without secrets. */
export const nothingToHide: Masks = { ready: () => undefined, of: () => undefined }
