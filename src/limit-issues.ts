import type { Issue } from './errors.ts'

/** Cuts a list of problems, and says so: a body of megabytes can hold more than anybody reads. */
export function limitIssues(issues: readonly Issue[], limit: number, areMore = issues.length > limit): Issue[] {
  if (!areMore) return [...issues]
  const message = 'There are more problems than those listed here.'
  return [...issues.slice(0, limit), { pointer: '', code: 'more_problems', message }]
}
