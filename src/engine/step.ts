import { deserializeError, StepInterrupted, type StudioError } from '../errors.ts'
import type { ModelInfo, Tokens } from '../models/model.ts'
import type { StepRow } from '../store/tables.ts'
import type { Attempt, AttemptError } from './journal.ts'
import type { StepSpec } from './node-context.ts'

/** An attempt that a crash, or the end of the server, cut short. Neither counts as a retry. */
const interrupted: AttemptError = { code: 'interrupted', details: {}, message: 'The server stopped abruptly during this attempt.' }
const stoppedWithServer: AttemptError = {
  code: 'shutting_down',
  details: {},
  message: 'The server was stopped during this attempt.',
}

/** Another step has failed, and with it the execution. */
const abandoned: AttemptError = { code: 'abandoned', details: {}, message: 'The execution failed elsewhere during this attempt.' }

/** How often a step that was running when the process died may run again, whatever `max_retries` (P2). */
const MAX_CRASHES = 3

/** What is known of one step: its row, as values. */
export class StepRecord {
  readonly spec: StepSpec
  readonly position: number
  readonly executionId: string
  readonly attempts: Attempt[] = []
  /** What its model is known to be here; undefined for a step that calls none. */
  model: ModelInfo | undefined
  status: StepRow['status'] = 'running'
  output: unknown
  /** As it is recorded; made once, since how long it is is asked before. */
  #outputText: string | null = null
  tokens: Tokens | undefined
  /** US dollars; null where nobody knows. */
  cost: number | null = null
  /**
   * In an execution that was recovered, a step without a row may have been running as well: its row may not have been
   * committed yet. It is taken to have crashed once.
   */
  readonly #presumedCrash: boolean
  /** Characters of it that are recorded. */
  size = 0
  /** A wait that was recorded and ends by then is over. */
  #restedUntil = 0

  constructor(executionId: string, position: number, spec: StepSpec, options: { presumedCrash: boolean }) {
    this.executionId = executionId
    this.position = position
    this.spec = spec
    this.#presumedCrash = options.presumedCrash
  }

  /** Takes over what an earlier slice recorded. An attempt without an end was interrupted. */
  static restore(row: StepRow, spec: StepSpec, now: number): StepRecord {
    const record = new StepRecord(row.execution_id, row.position, spec, { presumedCrash: false })
    record.attempts.push(...(JSON.parse(row.attempts) as Attempt[]))
    record.status = row.status
    record.size = sizeOf(row)
    record.output = row.output === null ? undefined : JSON.parse(row.output)
    record.#outputText = row.output
    if (row.input_tokens !== null) {
      const output = row.output_tokens ?? 0
      record.cost = row.cost
      record.tokens = { input: row.input_tokens, output, total: row.input_tokens + output }
    }
    // A wait is not interrupted: it goes on.
    if (record.status === 'running' && !spec.waits) record.#closeOpenAttempt(now, interrupted)
    return record
  }

  /** The attempts that count: those since the execution was last resumed. */
  get #counting(): Attempt[] {
    return this.attempts.slice(this.attempts.findLastIndex((attempt) => attempt.resumed) + 1)
  }

  get failures(): number {
    return this.#counting.filter((attempt) => attempt.error && !isInterruption(attempt.error)).length
  }

  /** @throws StepInterrupted when the step has been running in too many crashes */
  refuseIfCrashing(): void {
    if (this.spec.container) return
    const attempts = this.#counting
    const recorded = attempts.filter((attempt) => attempt.error?.code === interrupted.code).length
    const crashes = recorded + (attempts[0]?.presumed_crash ? 1 : 0)
    if (crashes > MAX_CRASHES) throw new StepInterrupted({ step_id: this.spec.id, crashes })
  }

  begin(now: number): Attempt {
    const attempt: Attempt = { number: this.attempts.length + 1, started_at: now, ended_at: null }
    // Recorded, or the next crash would forget it.
    if (this.#presumedCrash && attempt.number === 1) attempt.presumed_crash = true
    this.attempts.push(attempt)
    return attempt
  }

  /** Begins a wait, or goes on with one. @returns whether it begins */
  beginWait(now: number): boolean {
    const last = this.attempts.at(-1)
    if (last && last.ended_at === null) return false
    this.begin(now)
    return true
  }

  /** Milliseconds until a wait of so many is over; never more than that, wherever the clock was set. */
  untilOver(now: number, ms: number): number {
    const end = Math.ceil(this.attempts.at(-1)!.started_at + ms)
    return end <= this.#restedUntil ? 0 : Math.min(end - now, ms)
  }

  complete(now: number, output: unknown, tokens: Tokens | undefined): void {
    this.#outputText = JSON.stringify(output ?? null)
    this.attempts.at(-1)!.ended_at = now
    this.status = 'completed'
    this.output = output
    this.tokens = tokens
  }

  /** The attempt failed; the step may go on. */
  failAttempt(now: number, error: StudioError): void {
    // What it failed of is kept with an attempt, also where none came about.
    if (this.attempts.length === 0) this.begin(now)
    this.#closeOpenAttempt(now, { ...error.serialize(), message: error.message })
  }

  /** The attempt that failed is followed by another in so many milliseconds. */
  postpone(ms: number): void {
    const failed = this.attempts.at(-1)!
    failed.retry_at = failed.ended_at! + Math.ceil(ms)
  }

  /** The execution rested until then: a wait that ends there is over, wherever the clock was set meanwhile. Later ones are not. */
  noteRested(until: number): void {
    this.#restedUntil = until
    const last = this.attempts.at(-1)
    if (last?.retry_at !== undefined && last.retry_at <= until) delete last.retry_at
  }

  /** Milliseconds until the next attempt may begin; never more than was decided, wherever the clock was set. */
  untilRetry(now: number): number {
    const last = this.attempts.at(-1)
    if (last?.retry_at === undefined || last.resumed) return 0
    return Math.min(last.retry_at - now, last.retry_at - last.ended_at!)
  }

  get outputSize(): number {
    return this.#outputText?.length ?? 0
  }

  fail(): void {
    this.status = 'failed'
  }

  /** Another way was taken for the failure. */
  noteHandled(): void {
    const last = this.attempts.at(-1)
    if (last) last.handled = true
  }

  get isHandled(): boolean {
    return this.attempts.at(-1)?.handled === true
  }

  /** The execution has failed, so that nobody waits for this step any more. */
  abandon(now: number): void {
    this.#closeOpenAttempt(now, abandoned)
  }

  /** Of a step that has failed: not by itself, but with what it stands in. */
  get isAbandoned(): boolean {
    return this.attempts.at(-1)?.error?.code === abandoned.code
  }

  stopWithServer(now: number): void {
    if (!this.spec.waits) this.#closeOpenAttempt(now, stoppedWithServer)
  }

  /** The error that a failed step ended with. */
  get error(): StudioError {
    return deserializeError(this.attempts.findLast((attempt) => attempt.error)!.error!)
  }

  #closeOpenAttempt(now: number, error: AttemptError): void {
    const open = this.attempts.at(-1)
    if (!open || open.ended_at !== null) return
    open.ended_at = now
    open.error = error
  }

  toRow(): StepRow {
    return {
      execution_id: this.executionId,
      step_id: this.spec.id,
      position: this.position,
      kind: this.spec.kind,
      name: this.spec.name,
      status: this.status,
      attempts: JSON.stringify(this.attempts),
      input: this.spec.input === undefined ? null : JSON.stringify(this.spec.input),
      output: this.#outputText,
      model: this.spec.model ?? null,
      input_tokens: this.tokens?.input ?? null,
      output_tokens: this.tokens?.output ?? null,
      cost: this.cost,
    }
  }
}

/** Characters of what may be long. */
export function sizeOf({ attempts, input, output }: StepRow): number {
  return attempts.length + (input?.length ?? 0) + (output?.length ?? 0)
}

function isInterruption(error: AttemptError): boolean {
  return error.code === interrupted.code || error.code === stoppedWithServer.code
}
