/** What a decision sends to the execution. */
export interface Decision {
  decision: 'approved' | 'rejected'
  comment?: string | undefined
}

/** The signal by which a decision comes: no other has a colon in its name. */
export function approvalSignal(stepId: string): string {
  return `approval:${stepId}`
}
