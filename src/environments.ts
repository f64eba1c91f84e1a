import { InvalidInput } from './errors.ts'

/**
 * Where to look for a deployment. Without a name: all environments in their configured order.
 * @throws InvalidInput for an environment that is not configured
 */
export function searchOrder(environments: readonly string[], named: string | undefined, pointer: string): readonly string[] {
  if (named === undefined) return environments
  return [knownEnvironment(environments, named, pointer)]
}

/** @throws InvalidInput for an environment that is not configured */
export function knownEnvironment(environments: readonly string[], named: string, pointer: string): string {
  if (environments.includes(named)) return named
  const message = `'${named}' is no environment of this server; it has ${environments.join(', ')}.`
  throw new InvalidInput({ errors: [{ pointer, code: 'unknown_environment', message }] })
}
