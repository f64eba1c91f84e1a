import type { StudioError } from '../errors.ts'
import type { Tokens } from '../models/model.ts'

/** How an execution ended, as those who wait for it are told; `left` means not yet: a later process goes on with it. */
export type Outcome =
  | { status: 'completed'; response: string; tokens: Tokens; demo: boolean }
  | { status: 'failed'; error: StudioError }
  | { status: 'cancelled' }
  | { status: 'left'; error: StudioError }

/** A later slice goes on with it, in this process or another. */
export function left(error: StudioError): Outcome {
  return { status: 'left', error }
}

/** Why a slice is told to stop. */
export type StopReason = 'timeout' | 'cancelled' | 'shutdown'

/** The reason of a slice's abort signal. */
export class Stopped extends Error {
  override readonly name = 'Stopped'
  readonly why: StopReason

  constructor(why: StopReason) {
    super(`the execution was stopped: ${why}`)
    this.why = why
  }
}

/** How a slice ended: with its execution, or before it. A resting execution goes on in another slice. */
export type SliceOutcome = Outcome | { status: 'resting'; wake_at: number | null }
