import type { ExecutionIdentity } from './journal.ts'

/** Whether it runs a workflow's draft: then it belongs to no deployment, and counts in none. */
export function isTest({ deployment_id }: Pick<ExecutionIdentity, 'deployment_id'>): boolean {
  return deployment_id === ''
}
