import { defineError, type StepFailure } from './catalogue.ts'
import { seconds } from './words.ts'

export const ExecutionNotFound = defineError(
  'execution_not_found',
  404,
  'There is no such execution',
  (d: { execution_id: string }) => `No execution has the id '${d.execution_id}'; it may have been removed, or its deployment deleted.`,
)

export const ExecutionCancelled = defineError(
  'execution_cancelled',
  409,
  'The execution was cancelled',
  (d: { execution_id?: string }) => `${d.execution_id ? `Execution ${d.execution_id}` : 'The execution'} was cancelled before it ended.`,
  ['execution_id'],
)

export const ExecutionEnded = defineError(
  'execution_ended',
  409,
  'The execution has ended',
  (d: { execution_id: string; status: string }) => `Execution ${d.execution_id} has ended already; it is ${d.status}.`,
  ['execution_id'],
)

export const ExecutionRunning = defineError(
  'execution_running',
  409,
  'The execution is in flight',
  (d: { execution_id: string }) =>
    `Execution ${d.execution_id} has not ended. Cancel it first, with POST /api/executions/${d.execution_id}/cancel, or wait for its end.`,
  ['execution_id'],
)

export const ApprovalNotOpen = defineError(
  'approval_not_open',
  409,
  'Nothing waits for a decision',
  (d: { execution_id: string; step_id?: string }) =>
    d.step_id === undefined
      ? `No step of execution ${d.execution_id} waits for a decision just now.`
      : `Step '${d.step_id}' of execution ${d.execution_id} does not wait for a decision just now.`,
)

export const ApprovalDecided = defineError(
  'approval_decided',
  409,
  'Somebody has decided already',
  (d: { step_id: string; decision: string; by: string | null }) =>
    `Step '${d.step_id}' was ${d.decision} already${d.by === null ? '' : ` by ${d.by}`}. The first decision counts.`,
  ['decision', 'by'],
)

export const TooManySignals = defineError(
  'too_many_signals',
  409,
  'The execution has too many signals',
  (d: { execution_id: string; limit: number }) =>
    `Execution ${d.execution_id} was sent ${d.limit} signals, which is the limit. Nothing seems to wait for them.`,
)

export const ExecutionNotFailed = defineError(
  'execution_not_failed',
  409,
  'The execution has not failed',
  (d: { execution_id: string; status: string }) => `Only a failed execution can be resumed, and ${d.execution_id} is ${d.status}.`,
  ['execution_id'],
)

export const ExecutionTimedOut = defineError(
  'execution_timeout',
  504,
  'The execution took too long',
  (d: { timeout: number; execution_id?: string }) =>
    `The execution was ended after its timeout of ${seconds(d.timeout)}. Raise 'timeout' in the runtime configuration, or find the slow step under its steps.`,
  ['execution_id'],
)

export const ExecutionTooLarge = defineError(
  'execution_too_large',
  422,
  'The execution records too much',
  (d: StepFailure & { exceeded: 'steps' | 'characters'; limit: number }) =>
    d.exceeded === 'steps'
      ? `The execution was ended because it has more than ${d.limit} steps. Let its maps and loops do less, or start several executions.`
      : `The execution was ended because what its steps were given and gave is more than ${d.limit} characters. Let them hand on less, such as where a document is instead of the document.`,
  ['execution_id', 'step_id'],
)
