import { InvalidInput, type Issue } from './errors.ts'

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
  const errors = checkEnvironment(environments, named, pointer)
  if (errors.length > 0) throw new InvalidInput({ errors })
  return named
}

/** The problem of a name that is no environment. What is no name at all is not looked at. */
export function checkEnvironment(environments: readonly string[], named: unknown, pointer: string): Issue[] {
  if (typeof named !== 'string' || environments.includes(named)) return []
  return [
    {
      pointer,
      code: 'unknown_environment',
      message: `'${named}' is no environment of this server; it has ${environments.join(', ') || 'none that this key is for'}.`,
    },
  ]
}
