import { CodeFailed, CodeOutOfMemory, CodeOutputInvalid } from '../errors.ts'
import { OUTPUT_LIMIT } from './inside/limits.js'
import { ProcessEnded, type Answer } from './sandbox-process.ts'
import type { ProgramResult } from './sandbox.ts'

interface Report {
  outcome: string
  reason: string
  stack: string
  path: string
  logs: string[]
}

/**
 * What a program came to, of the answer of a process that is not trusted.
 * @param memoryBytes that the program had
 * @throws CodeFailed, CodeOutOfMemory, CodeOutputInvalid; ProcessEnded if the answer is none
 */
export function resultOf(answer: Answer, memoryBytes: number): ProgramResult {
  const { outcome, reason, stack, path, logs } = reportOf(answer.head)
  const kept = logs.length > 0 ? { logs } : {}
  switch (outcome) {
    case 'output':
      return { output: outputOf(answer.body), logs }
    case 'failed':
      throw new CodeFailed({ reason, ...lineOf(stack), ...kept })
    case 'unsettled':
      throw new CodeFailed({ reason: 'It waits for a promise that nothing settles. There are no timers and no network here.', ...kept })
    case 'out_of_memory':
      throw new CodeOutOfMemory({ memory_bytes: memoryBytes, ...kept })
    case 'invalid':
      throw new CodeOutputInvalid({ path: path.replace(/^\./, ''), reason: path === '' ? explained(reason) : reason, ...kept })
    case 'too_large':
      throw new CodeOutputInvalid({ path: '', reason: `is larger than ${OUTPUT_LIMIT} bytes`, ...kept })
    default:
      throw new ProcessEnded('It gave an answer that is none.')
  }
}

/** Bytes that the process has; infinite if it does not say, which one that is in order always does. */
export function memoryOf({ head }: Answer): number {
  const bytes = (head as { rssBytes?: unknown } | null)?.rssBytes
  return typeof bytes === 'number' ? bytes : Infinity
}

function reportOf(head: unknown): Report {
  const { outcome, reason, stack, path, logs } = (head ?? {}) as Partial<Record<keyof Report, unknown>>
  return {
    outcome: textOf(outcome),
    reason: textOf(reason),
    stack: textOf(stack),
    path: textOf(path),
    logs: Array.isArray(logs) ? logs.map(textOf) : [],
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

function outputOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    throw new ProcessEnded('It gave an output that is no JSON.')
  }
}

/** The most frequent mistake deserves its own words. */
function explained(reason: string): string {
  return reason === 'is undefined' ? "is undefined; end with 'return' and the result, or 'return null' if there is none" : reason
}

/** Of the innermost frame that stands in the program. */
function lineOf(stack: string): { line?: number } {
  const line = /\bcode:(\d+)/.exec(stack)?.[1]
  return line === undefined ? {} : { line: Number(line) }
}
