import type { Issue } from '../errors.ts'
import { nameRule } from './references.ts'

/** Something that a definition refers to and an environment lacks. */
export interface Missing {
  kind: 'secret' | 'variable'
  name: string
}

/** What to do about it, as a sentence. */
export function missingMessage({ kind, name }: Missing, environment: string): string {
  if (!/^[A-Z][A-Z0-9_]{0,63}$/.test(name)) return `No ${kind} can be named '${name}'. ${nameRule}`
  return `Environment '${environment}' has no ${kind} '${name}'. Store it with PUT /api/${kind}s/${environment}/${name}, and try again.`
}

export function missingIssue(missing: Missing, environment: string): Issue {
  const at = { pointer: '/environment', message: missingMessage(missing, environment) }
  return missing.kind === 'secret' ? { code: 'unknown_secret', ...at } : { code: 'unknown_variable', ...at }
}
