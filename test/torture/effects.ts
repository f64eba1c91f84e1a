import { call } from '../support/api.ts'
import type { CountedCall } from './model-process.ts'

/** What executions did outside of the server, compared with what the server says of it. */
export interface Effects {
  /** Calls for a step that came when its result was recorded, or after a step that follows from it had been called. */
  repeated: number
  /** Steps that a crash interrupted and that ran again, as they must. */
  interrupted: number
  /** Steps that ran more often than P2 allows. */
  excessive: number
  /** Retries that came earlier than the provider allowed. */
  hasty: number
}

export interface RecordedStep {
  step_id: string
  kind: string
  status: string
  attempts: { number: number; started_at: string; ended_at: string | null; error?: { code: string } }[]
}

/** How often a step may run: a first time, and three more because of crashes (P2). */
export const MAX_RUNS = 4

export function noEffects(): Effects {
  return { repeated: 0, interrupted: 0, excessive: 0, hasty: 0 }
}

export function callsByKey(calls: readonly CountedCall[]): Map<string, CountedCall[]> {
  return Map.groupBy(calls, ({ key }) => key)
}

/**
 * Judges one execution whose model calls follow each other, as those of all tortures do.
 * @param expected how many calls each step makes without any crash
 */
export async function judgeEffects(
  url: string,
  executionId: string,
  calls: ReadonlyMap<string, CountedCall[]>,
  effects: Effects,
  { expected = () => 1, retryAfterMs = 0 }: { expected?: (stepId: string) => number; retryAfterMs?: number } = {},
): Promise<RecordedStep[]> {
  const steps = (await call(url, 'GET', `/api/executions/${executionId}/steps?limit=500`)).body as RecordedStep[]
  let next = Infinity
  // From the last to the first: once a step was called, those that it follows from must not be called again.
  for (const step of steps.filter(({ kind }) => kind === 'model').toReversed()) {
    const made = calls.get(`${executionId}:${step.step_id}`) ?? []
    const recordedAt = Date.parse(step.attempts.find(({ error }) => !error)?.ended_at ?? '')
    effects.repeated += made.filter(({ at, order }) => at > recordedAt || order > next).length
    next = Math.min(next, ...made.map(({ order }) => order))
    if (made.length > expected(step.step_id)) effects.interrupted++
    if (made.length >= expected(step.step_id) + MAX_RUNS) effects.excessive++
    effects.hasty += countHasty(step, retryAfterMs)
  }
  return steps
}

/** The clocks are one: the server notes when an attempt began and ended. */
function countHasty({ attempts }: RecordedStep, retryAfterMs: number): number {
  return attempts.filter((attempt, index) => {
    const before = attempts[index - 1]
    if (!before?.ended_at || before.error?.code !== 'model_failed') return false
    return Date.parse(attempt.started_at) < Date.parse(before.ended_at) + retryAfterMs
  }).length
}
