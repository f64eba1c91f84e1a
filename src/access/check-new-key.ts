import { checkEnvironment } from '../environments.ts'
import type { Issue } from '../errors.ts'
import { isNamePattern, namePatternRule } from './name-pattern.ts'

/** What a schema cannot say of a key that is to be made. */
export interface WantedLimits {
  environments?: readonly string[] | undefined
  deployment_pattern?: string | undefined
  /** In milliseconds since 1970; NaN for what is no time. */
  expires_at?: number | undefined
}

/** @param known the environments that there are for whoever makes the key */
export function checkLimits(
  { environments, deployment_pattern, expires_at }: WantedLimits,
  known: readonly string[],
  now: number,
): Issue[] {
  const issues = (environments ?? []).flatMap((one, index) => checkEnvironment(known, one, `/environments/${index}`))
  if (deployment_pattern !== undefined && !isNamePattern(deployment_pattern)) {
    issues.push({ pointer: '/deployment_pattern', code: 'wrong_format', message: namePatternRule })
  }
  if (expires_at !== undefined && !(expires_at > now)) {
    const message = "'expires_at' must be a time to come, such as 2030-01-31T12:00:00Z."
    issues.push({ pointer: '/expires_at', code: 'not_allowed', message })
  }
  return issues
}
