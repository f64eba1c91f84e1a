import { defineError, type StepFailure } from './catalogue.ts'

/** What it logged until then: for whoever looks into the failed attempt, not for the caller. */
interface CodeFailure extends StepFailure {
  logs?: string[]
}

export const CodeFailed = defineError(
  'code_failed',
  422,
  'The code failed',
  (d: CodeFailure & { reason: string; line?: number }) => `The code failed${d.line === undefined ? '' : ` in line ${d.line}`}: ${d.reason}`,
  ['execution_id', 'step_id', 'line'],
)

export const CodeTimedOut = defineError(
  'code_timed_out',
  422,
  'The code took too long',
  (d: StepFailure & { timeout_ms: number }) =>
    `The code was ended after ${d.timeout_ms} milliseconds, which is its timeout. Look for a loop that does not end, or let it do less.`,
  ['execution_id', 'step_id'],
)

export const CodeOutOfMemory = defineError(
  'code_out_of_memory',
  422,
  'The code needs too much memory',
  (d: CodeFailure & { memory_bytes: number }) =>
    `The code was ended because it needs more than ${Math.round(d.memory_bytes / 2 ** 20)} MiB of memory. Let it hold less at a time.`,
  ['execution_id', 'step_id'],
)

export const CodeInputInvalid = defineError(
  'code_input_invalid',
  422,
  'The code cannot be given its input',
  (d: StepFailure & { reason: string }) => `What the code would be given ${d.reason}.`,
  ['execution_id', 'step_id'],
)

export const CodeOutputInvalid = defineError(
  'code_output_invalid',
  422,
  'The code does not return JSON',
  (d: CodeFailure & { path: string; reason: string }) =>
    `What the code returns must be JSON, but ${d.path === '' ? 'it' : `'${d.path}' in it`} ${d.reason}.`,
  ['execution_id', 'step_id'],
)

export const SandboxFailed = defineError(
  'sandbox_failed',
  503,
  'The server could not run the code',
  (d: StepFailure) =>
    `${d.step_id === undefined ? 'The code' : `The code of step '${d.step_id}'`} could not be run, because the process for it did not start or has ended. The log of the server has the details.`,
  ['execution_id', 'step_id'],
)
