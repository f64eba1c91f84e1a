import { deserializeError, ExecutionTimedOut, ShuttingDown, type StudioError } from '../errors.ts'
import type { Clock } from '../clock.ts'
import type { Plan } from '../graph/plan.ts'
import type { ModelAnswer, ModelRequest, Models, Tokens } from '../models/model.ts'
import type { StepRow } from '../store/tables.ts'
import { AnswerTally } from './answer-tally.ts'
import type { EventHub } from './event-hub.ts'
import { runPlan } from './interpreter.ts'
import { JournalBuffer, JournalLost } from './journal-buffer.ts'
import type { AdmittedExecution, Journal, RecordedEvent } from './journal.ts'
import type { AttemptContext, NodeContext, StepResult, StepSpec } from './node-context.ts'
import { Stopped, type Outcome, type StopReason } from './outcome.ts'
import { backoff, pause, toFailure, type Failure } from './retry.ts'
import { StepRecord } from './step.ts'

/** The reason of the last abort of every slice; made once, since a stack trace costs more than the rest of it. */
const ended = new Stopped('cancelled')

export interface SliceServices {
  journal: Journal
  hub: EventHub
  models: Models
  clock: Clock
  /** Told about errors that are not in the catalogue. */
  onFault: (error: unknown) => void
}

/** What an earlier slice left. */
export interface History {
  active_ms: number
  last_event_id: number
  steps: StepRow[]
  events: RecordedEvent[]
}

/**
 * One execution from its start, or from its recovery, until it ends or the process stops. It is what nodes see of the
 * engine; everything that must survive goes through its journal buffer.
 */
export class Slice implements NodeContext {
  readonly execution: AdmittedExecution
  readonly #plan: Plan
  readonly #services: SliceServices
  readonly #buffer: JournalBuffer
  readonly #abort = new AbortController()
  readonly #recorded: Map<string, StepRow>
  readonly #recovered: boolean
  readonly #usedMs: number
  readonly #answered: AnswerTally
  readonly #tokens: Tokens = { input: 0, output: 0, total: 0 }
  #positions: number
  #demo = false
  /** Steps that have begun and not ended. */
  readonly #open = new Set<StepRecord>()
  /** Results that there are, and how many of them are known to be on disk. */
  #results = 0
  #recordedResults = 0

  constructor(execution: AdmittedExecution, plan: Plan, services: SliceServices, history?: History) {
    this.execution = execution
    this.#plan = plan
    this.#services = services
    this.#recovered = history !== undefined
    this.#usedMs = history?.active_ms ?? 0
    this.#recorded = new Map(history?.steps.map((row) => [row.step_id, row]))
    this.#positions = history?.steps.at(-1)?.position ?? 0
    this.#answered = new AnswerTally(history?.events ?? [])
    this.#buffer = new JournalBuffer({
      executionId: execution.execution_id,
      lastEventId: history?.last_event_id ?? 1,
      journal: services.journal,
      hub: services.hub,
      onFailure: (error) => this.#loseJournal(error),
    })
  }

  /** Notes the start of an execution that was queued. */
  noteStart(): void {
    this.#buffer.noteStart(this.#services.clock.now())
  }

  stop(why: StopReason): void {
    this.#abort.abort(new Stopped(why))
  }

  /** Somebody began to watch: what waits to be written need not wait any longer. */
  flushEvents(): void {
    this.#buffer.flushEvents()
  }

  async run(): Promise<Outcome> {
    const timer = this.#startTimeout()
    try {
      const response = await runPlan(this.#plan, this.execution.request, this)
      return await this.#complete(response)
    } catch (error) {
      return await this.#endWith(error)
    } finally {
      clearTimeout(timer)
      // Whatever still runs is not wanted any more.
      this.#abort.abort(ended)
    }
  }

  emit(event: { type: string; [data: string]: unknown }): void {
    this.#buffer.noteEvent(this.#services.clock.now(), event)
  }

  callModel(request: ModelRequest): Promise<ModelAnswer> {
    return this.#services.models.call(request)
  }

  async step<Output>(spec: StepSpec, work: (attempt: AttemptContext) => Promise<StepResult & { output: Output }>): Promise<Output> {
    const demo = spec.model !== undefined && this.#services.models.resolve(spec.model)?.demo === true
    if (demo) this.#demo = true
    const record = this.#takeRecord(spec)
    this.#count(record)
    if (record.status === 'completed') return record.output as Output
    if (record.status === 'failed') throw record.error
    this.#discardAnswer(record)
    this.#open.add(record)
    try {
      record.refuseIfCrashing()
      await this.#attempt(record, work, demo)
    } catch (error) {
      if (error instanceof Stopped && error.why === 'shutdown') await this.#leave(record)
      else this.#fail(record)
      throw error
    }
    this.#open.delete(record)
    this.#count(record)
    return record.output as Output
  }

  /** Attempts the work until it succeeds, may not be retried, or was retried often enough. */
  async #attempt(record: StepRecord, work: (attempt: AttemptContext) => Promise<StepResult>, demo: boolean): Promise<void> {
    const { spec } = record
    const retries = spec.container ? 0 : Math.min(this.execution.runtime_config.max_retries, spec.maxRetries ?? Infinity)
    for (;;) {
      const wait = record.untilRetry(this.#services.clock.now())
      if (wait > 0) await pause(wait, this.#abort.signal)
      this.#abort.signal.throwIfAborted()
      const attempt = record.begin(this.#services.clock.now())
      this.#buffer.noteStep(record)
      this.#emitStep(record, 'started', demo)
      if (!spec.container && !demo) await this.#recordBeforeEffect(record)
      let failure: Failure
      try {
        const { output, tokens } = await this.#untilStopped(() => work(this.#attemptContext(record, attempt.number)))
        this.#abort.signal.throwIfAborted()
        record.complete(this.#services.clock.now(), output, tokens)
        this.#results++
        this.#buffer.noteStep(record)
        this.#emitStep(record, 'completed', demo)
        return
      } catch (error) {
        failure = this.#noteFailure(record, error)
      }
      if (!failure.retryable || record.failures > retries) throw failure.error
      this.#discardAnswer(record)
      record.postpone(backoff(record.failures, failure.retryAfterMs))
      // On disk before the wait: a crash in it is no crash of the step, and the retry comes no earlier for it.
      this.#buffer.noteStep(record)
      await this.#buffer.flush()
    }
  }

  /**
   * What the next effect follows from must be on disk before it: after a crash a repeated step may give another result.
   * In a retry, and in an execution that was recovered, the attempt itself must be, too, so that its crashes are counted
   * (P2): the only attempt that a crash can leave no trace of is the first of a step without a row.
   */
  async #recordBeforeEffect({ attempts }: StepRecord): Promise<void> {
    const results = this.#results
    if (results === this.#recordedResults && !this.#recovered && attempts.length === 1) return
    await this.#buffer.flush()
    // Not before: a step beside this one follows from the same results, and must wait for them as well.
    this.#recordedResults = Math.max(this.#recordedResults, results)
  }

  /** @throws the reason of a stop */
  #noteFailure(record: StepRecord, error: unknown): Failure {
    const stop = this.#abort.signal.aborted ? (this.#abort.signal.reason as Stopped) : undefined
    if (stop && stop.why !== 'timeout') throw stop
    const failure = stop ? { error: this.#timedOut(), retryable: false, retryAfterMs: 0 } : toFailure(error, this.#services.onFault)
    const located = locate(failure.error, record.spec.id)
    record.failAttempt(this.#services.clock.now(), located)
    if (stop) throw stop
    return { ...failure, error: located }
  }

  #attemptContext({ spec }: StepRecord, number: number): AttemptContext {
    const { signal } = this.#abort
    return {
      number,
      signal,
      idempotencyKey: `${this.execution.execution_id}:${spec.id}`,
      answer: (text) => {
        // A model call that does not heed its signal must not write into the attempt that follows.
        if (signal.aborted) return
        const first = this.#answered.add(spec.id, text)
        this.#buffer.noteText(this.#services.clock.now(), spec.id, text, first)
      },
    }
  }

  #takeRecord(spec: StepSpec): StepRecord {
    const row = this.#recorded.get(spec.id)
    this.#recorded.delete(spec.id)
    if (row) return StepRecord.restore(row, spec, this.#services.clock.now())
    return new StepRecord(this.execution.execution_id, ++this.#positions, spec, { presumedCrash: this.#recovered })
  }

  /** An attempt was abandoned after it had added to the answer: whoever reads along takes that back. */
  #discardAnswer({ spec, attempts }: StepRecord): void {
    const discard = this.#answered.take(spec.id)
    if (discard === 0) return
    this.emit({ type: 'retry', step_id: spec.id, attempt: attempts.length, discard })
  }

  #emitStep({ spec, attempts }: StepRecord, state: 'started' | 'completed' | 'failed', demo: boolean): void {
    const { id, kind, name, model } = spec
    this.emit({ type: 'step', step_id: id, kind, name, state, attempt: attempts.length, ...(model && { model }), ...(demo && { demo }) })
  }

  #count({ tokens }: StepRecord): void {
    if (!tokens) return
    this.#tokens.input += tokens.input
    this.#tokens.output += tokens.output
    this.#tokens.total += tokens.total
  }

  #fail(record: StepRecord): void {
    if (!this.#open.delete(record)) return
    record.fail()
    this.#buffer.noteStep(record)
    this.#emitStep(record, 'failed', false)
  }

  /** The server stops: the step goes on in a later process, and this attempt does not count as a crash. */
  async #leave(record: StepRecord): Promise<void> {
    record.stopWithServer(this.#services.clock.now())
    this.#buffer.noteStep(record)
    await this.#buffer.flush().catch(this.#services.onFault)
  }

  async #untilStopped<Result>(work: () => Promise<Result>): Promise<Result> {
    const { signal } = this.#abort
    signal.throwIfAborted()
    return new Promise((resolve, reject) => {
      const stop = (): void => reject(signal.reason as Error)
      signal.addEventListener('abort', stop, { once: true })
      work()
        .then(resolve, reject)
        .finally(() => signal.removeEventListener('abort', stop))
    })
  }

  #startTimeout(): NodeJS.Timeout {
    const left = this.execution.runtime_config.timeout * 1000 - this.#usedMs
    return setTimeout(() => this.stop('timeout'), Math.max(0, left))
  }

  #timedOut(): StudioError {
    return new ExecutionTimedOut({ timeout: this.execution.runtime_config.timeout })
  }

  async #complete(response: string): Promise<Outcome> {
    const end = {
      status: 'completed' as const,
      at: this.#services.clock.now(),
      response,
      error: null,
      tokens: this.#tokens,
      demo: this.#demo,
    }
    const written = await this.#buffer.end(end)
    return written ? { status: 'completed', response, tokens: this.#tokens, demo: this.#demo } : this.#endStopped('cancelled')
  }

  async #endWith(error: unknown): Promise<Outcome> {
    if (error instanceof Stopped && error.why !== 'timeout') return this.#endStopped(error.why)
    if (error instanceof JournalLost) return this.#endStopped('shutdown', error.error)
    const failure = error instanceof Stopped ? this.#timedOut() : toFailure(error, this.#services.onFault).error
    this.#abandonOpenSteps()
    const end = {
      status: 'failed' as const,
      at: this.#services.clock.now(),
      response: null,
      error: { ...failure.serialize(), message: failure.message },
      tokens: this.#tokens,
      demo: this.#demo,
    }
    try {
      const written = await this.#buffer.end(end)
      return written ? { status: 'failed', error: failure } : this.#endStopped('cancelled')
    } catch (lost) {
      return this.#endStopped('shutdown', (lost as JournalLost).error)
    }
  }

  /** What still runs beside the step that failed: it would be recorded as running for ever. */
  #abandonOpenSteps(): void {
    this.#abort.abort(ended)
    for (const record of this.#open) {
      record.abandon(this.#services.clock.now())
      this.#fail(record)
    }
  }

  #endStopped(why: StopReason, cause?: unknown): Outcome {
    this.#buffer.discard()
    // Who watches is told by whoever cancelled it.
    if (why === 'cancelled') return { status: 'cancelled' }
    return { status: 'left', error: cause === undefined ? new ShuttingDown({}) : toFailure(cause, this.#services.onFault).error }
  }

  /** Nothing can be recorded any more, so nothing may go on. Without an error the execution has ended elsewhere. */
  #loseJournal(error: unknown): void {
    this.#abort.abort(error === undefined ? new Stopped('cancelled') : error)
  }
}

/** Says in the error which step failed, unless an inner one has said so. */
function locate(error: StudioError, step_id: string): StudioError {
  return deserializeError({ code: error.code, details: { step_id, ...error.details } })
}
