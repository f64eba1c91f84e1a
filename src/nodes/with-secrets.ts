import type { Attempt, Mapping } from '../graph/step-kind.ts'
import type { Scope } from '../graph/scope.ts'

/** Fills in a mapping that may name secrets; their values are looked up for this one use. @throws SecretMissing, SecretUnreadable */
export async function withSecrets(mapping: Mapping, { scope, environment, outside }: Attempt): Promise<unknown> {
  const names = mapping.secretNames
  if (names.length === 0) return mapping.apply(scope)
  return mapping.apply(scope, { secrets: await outside.secrets.resolveAll(environment, names) })
}

/** The same with the names of secrets in place of their values, as it is recorded. */
export function named(mapping: Mapping, scope: Scope): unknown {
  return mapping.apply(scope, { secrets: Object.fromEntries(mapping.secretNames.map((name) => [name, `[secret ${name}]`])) })
}
