import { deserializeError, ExecutionTimedOut, ShuttingDown, type StudioError } from '../errors.ts'
import type { Clock } from '../clock.ts'
import type { Plan } from '../graph/plan.ts'
import type { ModelAnswer, ModelRequest, Models, Tokens } from '../models/model.ts'
import type { StepRow } from '../store/tables.ts'
import { AnswerTally } from './answer-tally.ts'
import type { EventHub } from './event-hub.ts'
import { Holds } from './holds.ts'
import { runPlan } from './interpreter.ts'
import { JournalBuffer, JournalLost } from './journal-buffer.ts'
import type { AdmittedExecution, History, Journal, Patience } from './journal.ts'
import type { EndStatus, Meter } from './meter.ts'
import type { AttemptContext, NodeContext, StepResult, StepSpec } from './node-context.ts'
import { Stopped, type Outcome, type SliceOutcome, type StopReason } from './outcome.ts'
import { backoff, pause, toFailure, type Failure } from './retry.ts'
import { StepRecord } from './step.ts'
import { Timeout } from './timeout.ts'

/** The reason of the last abort of every slice; made once, since a stack trace costs more than the rest of it. */
const ended = new Stopped('cancelled')

export interface SliceServices {
  journal: Journal
  hub: EventHub
  models: Models
  clock: Clock
  meter: Meter
  /** From so long a wait on, an execution leaves the memory meanwhile. Milliseconds. */
  restFromMs: number
  /** Told about errors that are not in the catalogue. */
  onFault: (error: unknown) => void
}

/**
 * One execution from its start, or from where the slice before it ended, until it ends, rests or the process stops. It is
 * what nodes see of the engine; everything that must survive goes through its journal buffer.
 */
export class Slice implements NodeContext {
  readonly execution: AdmittedExecution
  readonly #plan: Plan
  readonly #services: SliceServices
  readonly #buffer: JournalBuffer
  readonly #abort = new AbortController()
  /** What is told when the slice is stopped: a listener on the signal for each would cost more than most steps do. */
  readonly #stopped = new Set<(reason: Error) => void>()
  readonly #recorded: Map<string, StepRow>
  readonly #crashed: boolean
  readonly #restedUntil: number
  readonly #timeout: Timeout
  readonly #holds = new Holds((until) => this.#considerRest(until))
  readonly #patience: Patience
  /** Aborted when nobody wants written what a full disk has no room for. */
  #givenUp: AbortController | undefined
  readonly #rested = Promise.withResolvers<SliceOutcome>()
  readonly #answered: AnswerTally
  readonly #tokens: Tokens = { input: 0, output: 0, total: 0 }
  #positions: number
  #demo = false
  /** Steps that have begun and not ended. */
  readonly #open = new Set<StepRecord>()
  /** Results that there are, and how many of them are known to be on disk. */
  #results = 0
  #recordedResults = 0
  /** Resolved by the end of a freeze; undefined when it is not frozen. */
  #freeze: PromiseWithResolvers<void> | undefined
  /** Settled when a rest that is being written has been refused; never when it has not. */
  #resting: Promise<void> | undefined
  #hasRested = false
  /** Nobody waits any more for what this slice has to write. */
  #isUnwanted = false

  /** @param onStalled told when the disk has no room for what the execution has to write, so that nobody waits for its answer */
  constructor(execution: AdmittedExecution, plan: Plan, services: SliceServices, onStalled: () => void, history?: History) {
    this.execution = execution
    this.#plan = plan
    this.#services = services
    this.#crashed = history?.crashed ?? false
    this.#restedUntil = history?.rested_until ?? 0
    this.#timeout = new Timeout(execution.runtime_config.timeout * 1000, history?.active_ms ?? 0, () => this.stop('timeout'))
    this.#patience = { onWait: (giveUp) => this.#stall(giveUp, onStalled) }
    this.#recorded = new Map(history?.steps.map((row) => [row.step_id, row]))
    this.#positions = history?.steps.at(-1)?.position ?? 0
    this.#answered = new AnswerTally(history?.events ?? [])
    this.#buffer = new JournalBuffer({
      executionId: execution.execution_id,
      lastEventId: history?.last_event_id ?? 1,
      journal: services.journal,
      hub: services.hub,
      patience: this.#patience,
      onFailure: (error) => this.#loseJournal(error),
    })
  }

  stop(why: StopReason): void {
    if (why !== 'timeout') {
      this.#isUnwanted = true
      this.#givenUp?.abort()
    }
    this.#abortWith(new Stopped(why))
  }

  #abortWith(reason: Error): void {
    this.#abort.abort(reason)
    for (const tell of this.#stopped) tell(reason)
  }

  /** Steps that have begun end; before the next one the execution rests, until `thaw`. */
  freeze(): void {
    this.#freeze ??= Promise.withResolvers()
    this.#holds.check()
  }

  thaw(): void {
    this.#freeze?.resolve()
    this.#freeze = undefined
  }

  /** Somebody began to watch: what waits to be written need not wait any longer. */
  flushEvents(): void {
    this.#buffer.flushEvents()
  }

  async run(): Promise<SliceOutcome> {
    this.#timeout.run()
    try {
      return await Promise.race([this.#runToEnd(), this.#rested.promise])
    } finally {
      this.#timeout.end()
      // Whatever still runs is not wanted any more.
      if (this.#open.size > 0) this.#abortWith(ended)
    }
  }

  async #runToEnd(): Promise<Outcome> {
    try {
      const response = await runPlan(this.#plan, this.execution.request, this)
      return await this.#complete(response)
    } catch (error) {
      return await this.#endWith(error)
    }
  }

  emit(event: { type: string; [data: string]: unknown }): void {
    this.#buffer.noteEvent(this.#services.clock.now(), event)
  }

  callModel(request: ModelRequest): Promise<ModelAnswer> {
    return this.#services.models.call(request)
  }

  async step<Output>(spec: StepSpec, work: (attempt: AttemptContext) => Promise<StepResult & { output: Output }>): Promise<Output> {
    const record = this.#takeRecord(spec)
    record.model = spec.model === undefined ? undefined : this.#services.models.resolve(spec.model)
    if (record.model?.demo) this.#demo = true
    this.#count(record)
    if (record.status === 'completed') return record.output as Output
    if (record.status === 'failed') throw record.error
    this.#discardAnswer(record)
    this.#open.add(record)
    try {
      record.refuseIfCrashing()
      // A step within which others run is neither at work nor held: they are.
      if (!spec.container) this.#holds.begin()
      try {
        await this.#attempt(record, work)
      } finally {
        if (!spec.container) this.#holds.end()
      }
    } catch (error) {
      // Open steps are left to a later process when the server stops.
      if (!(error instanceof Stopped && error.why === 'shutdown')) this.#fail(record)
      throw error
    }
    this.#open.delete(record)
    this.#count(record)
    return record.output as Output
  }

  /** Attempts the work until it succeeds, may not be retried, or was retried often enough. */
  async #attempt(record: StepRecord, work: (attempt: AttemptContext) => Promise<StepResult>): Promise<void> {
    const { spec } = record
    const retries = spec.container ? 0 : Math.min(this.execution.runtime_config.max_retries, spec.maxRetries ?? Infinity)
    for (;;) {
      if (!spec.container) await this.#awaitTurn(record)
      this.#abort.signal.throwIfAborted()
      const attempt = record.begin(this.#services.clock.now())
      this.#buffer.noteStep(record)
      this.#emitStep(record, 'started')
      if (!spec.container && !record.model?.demo) await this.#recordBeforeEffect(record)
      let failure: Failure
      try {
        const { output, tokens } = await this.#untilStopped(() => work(this.#attemptContext(record, attempt.number)))
        this.#abort.signal.throwIfAborted()
        record.complete(this.#services.clock.now(), output, tokens)
        this.#results++
        this.#buffer.noteStep(record)
        this.#emitStep(record, 'completed')
        this.#meterEnd(record, 'completed')
        return
      } catch (error) {
        failure = this.#noteFailure(record, error)
      }
      if (!failure.retryable || record.failures > retries) throw failure.error
      this.#services.meter.stepRetried(spec.kind)
      this.#discardAnswer(record)
      record.postpone(backoff(record.failures, failure.retryAfterMs))
      // On disk before the wait: a crash in it is no crash of the step, and the retry comes no earlier for it.
      this.#buffer.noteStep(record)
      await this.#buffer.flush()
    }
  }

  /** Waits for the time of a retry, and for the end of a freeze. The execution may leave the memory meanwhile. */
  async #awaitTurn(record: StepRecord): Promise<void> {
    const now = this.#services.clock.now()
    const wait = record.untilRetry(now)
    if (wait > 0) await this.#hold(now + wait, () => pause(wait, this.#abort.signal))
    for (let freeze = this.#freeze; freeze; freeze = this.#freeze) {
      const { promise } = freeze
      await this.#hold(Infinity, () => this.#untilStopped(() => promise))
    }
  }

  async #hold(until: number, wait: () => Promise<void>): Promise<void> {
    await this.#holds.hold(until, async () => {
      await wait()
      // A rest that is being written decides: after it another slice goes on.
      await this.#resting
    })
  }

  #considerRest(until: number): void {
    if (this.#resting || this.#abort.signal.aborted) return
    const now = this.#services.clock.now()
    const wakeAt = this.#freeze ? null : Math.ceil(Math.min(until, now + this.#timeout.left))
    if (wakeAt !== null && wakeAt - now < this.#services.restFromMs) return
    this.#resting = this.#rest(now, wakeAt).catch((error: unknown) => this.#loseJournal(error))
  }

  async #rest(now: number, wakeAt: number | null): Promise<void> {
    await this.#buffer.flush()
    // The wait for a retry counts towards the timeout, wherever it is spent.
    const active_ms = Math.round(this.#timeout.used + (wakeAt === null ? 0 : wakeAt - now))
    const rest = { execution_id: this.execution.execution_id, active_ms, status: 'waiting', wake_at: wakeAt } as const
    const state = await this.#services.journal.rest(rest, this.#patience)
    if (state === 'resting') {
      this.#hasRested = true
      this.#buffer.discard()
      this.#rested.resolve({ status: 'resting', wake_at: wakeAt })
      // Nothing of this slice goes on.
      return new Promise(() => undefined)
    }
    this.#resting = undefined
    if (state === 'ended') this.#loseJournal(undefined)
    // It may have been frozen once more meanwhile.
    else if (this.#services.journal.standing(this.execution.execution_id)?.frozen) this.#holds.check()
    else this.thaw()
  }

  #stall(giveUp: AbortController | undefined, onStalled: () => void): void {
    this.#givenUp = giveUp
    if (!giveUp) return this.#timeout.run()
    this.#timeout.pause()
    if (this.#isUnwanted) giveUp.abort()
    onStalled()
  }

  /**
   * What the next effect follows from must be on disk before it: after a crash a repeated step may give another result.
   * In a retry, and in an execution that was recovered, the attempt itself must be, too, so that its crashes are counted
   * (P2): the only attempt that a crash can leave no trace of is the first of a step without a row.
   */
  async #recordBeforeEffect({ attempts }: StepRecord): Promise<void> {
    const results = this.#results
    if (results === this.#recordedResults && !this.#crashed && attempts.length === 1) return
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
    if (row) {
      const record = StepRecord.restore(row, spec, this.#services.clock.now())
      record.noteRested(this.#restedUntil)
      return record
    }
    return new StepRecord(this.execution.execution_id, ++this.#positions, spec, { presumedCrash: this.#crashed })
  }

  /** An attempt was abandoned after it had added to the answer: whoever reads along takes that back. */
  #discardAnswer({ spec, attempts }: StepRecord): void {
    const discard = this.#answered.take(spec.id)
    if (discard === 0) return
    this.emit({ type: 'retry', step_id: spec.id, attempt: attempts.length, discard })
  }

  #emitStep(record: StepRecord, state: 'started' | 'completed' | 'failed'): void {
    const { id: step_id, kind, name, model } = record.spec
    const event: Parameters<NodeContext['emit']>[0] = { type: 'step', step_id, kind, name, state, attempt: record.attempts.length }
    if (model) event['model'] = model
    if (record.model?.demo) event['demo'] = true
    this.emit(event)
  }

  #meterEnd(record: StepRecord, status: EndStatus): void {
    const { attempts, spec, model, tokens } = record
    const [first] = attempts
    const durationMs = first ? (attempts.at(-1)!.ended_at ?? first.started_at) - first.started_at : 0
    this.#services.meter.stepEnded({ kind: spec.kind, status, durationMs, provider: model?.provider, tokens })
  }

  #count({ tokens }: StepRecord): void {
    if (!tokens) return
    this.#tokens.input += tokens.input
    this.#tokens.output += tokens.output
    this.#tokens.total += tokens.total
  }

  #fail(record: StepRecord): void {
    if (!this.#open.delete(record) || this.#hasRested) return
    record.fail()
    const { reason } = this.#abort.signal as { reason: unknown }
    this.#meterEnd(record, reason instanceof Stopped && reason.why === 'cancelled' ? 'cancelled' : 'failed')
    this.#buffer.noteStep(record)
    this.#emitStep(record, 'failed')
  }

  /** What an attempt does, as long as the slice lets it: work that does not heed its signal is not waited for. */
  async #untilStopped<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#abort.signal.throwIfAborted()
    const { promise, reject } = Promise.withResolvers<never>()
    this.#stopped.add(reject)
    try {
      return await Promise.race([work(), promise])
    } finally {
      this.#stopped.delete(reject)
    }
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
    if (!(await this.#buffer.end(end))) return this.#endCancelled()
    this.#services.meter.executionEnded(this.execution, 'completed', end.at)
    return { status: 'completed', response, tokens: this.#tokens, demo: this.#demo }
  }

  async #endWith(error: unknown): Promise<Outcome> {
    if (error instanceof Stopped && error.why === 'cancelled') return this.#endCancelled()
    if (error instanceof Stopped && error.why === 'shutdown') return this.#leaveInOrder()
    if (error instanceof JournalLost) return this.#leave(toFailure(error.error, this.#services.onFault).error)
    // Whoever rests is not here any more, and has not failed.
    await this.#resting
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
      if (!(await this.#buffer.end(end))) return this.#endCancelled()
      this.#services.meter.executionEnded(this.execution, 'failed', end.at)
      return { status: 'failed', error: failure }
    } catch (lost) {
      return this.#leave(toFailure((lost as JournalLost).error, this.#services.onFault).error)
    }
  }

  /** What still runs beside the step that failed: it would be recorded as running for ever. */
  #abandonOpenSteps(): void {
    this.#abortWith(ended)
    for (const record of this.#open) {
      record.abandon(this.#services.clock.now())
      this.#fail(record)
    }
  }

  /** Who watches is told by whoever cancelled it. */
  #endCancelled(): Outcome {
    this.#buffer.discard()
    return { status: 'cancelled' }
  }

  #leave(error: StudioError): Outcome {
    this.#buffer.discard()
    return { status: 'left', error }
  }

  /** The server stops: a later process goes on, and does not take this end for a crash. */
  async #leaveInOrder(): Promise<Outcome> {
    const now = this.#services.clock.now()
    for (const record of this.#open) {
      record.stopWithServer(now)
      this.#buffer.noteStep(record)
    }
    const active_ms = Math.round(this.#timeout.used)
    const rest = { execution_id: this.execution.execution_id, active_ms, status: 'queued', wake_at: null } as const
    const written = this.#buffer.flush().then(() => this.#services.journal.rest(rest, this.#patience))
    await written.catch((error: unknown) => toFailure(error instanceof JournalLost ? error.error : error, this.#services.onFault))
    return this.#leave(new ShuttingDown({}))
  }

  /** Nothing can be recorded any more, so nothing may go on. Without an error the execution has ended elsewhere. */
  #loseJournal(error: unknown): void {
    this.#abortWith(error === undefined ? new Stopped('cancelled') : (error as Error))
  }
}

/** Says in the error which step failed, unless an inner one has said so. */
function locate(error: StudioError, step_id: string): StudioError {
  return deserializeError({ code: error.code, details: { step_id, ...error.details } })
}
