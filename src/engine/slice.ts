import { ExecutionTimedOut, ExecutionTooLarge, ShuttingDown, type StudioError } from '../errors.ts'
import type { Clock } from '../clock.ts'
import type { Plan } from '../graph/plan.ts'
import type { Outside } from '../graph/step-kind.ts'
import type { ModelAnswer, ModelRequest, Models, Tokens } from '../models/model.ts'
import type { Masks } from '../secrets/secrets.ts'
import type { StepRow } from '../store/tables.ts'
import { AnswerTally } from './answer-tally.ts'
import { dayOf, ExecutionBudget, type BudgetUse } from './budget.ts'
import type { EventHub } from './event-hub.ts'
import { Abandoned, FailedParts } from './failed-parts.ts'
import { Failures } from './failures.ts'
import { Holds } from './holds.ts'
import { runPlan } from './interpreter.ts'
import { JournalBuffer, JournalLost } from './journal-buffer.ts'
import { locate } from './locate.ts'
import { Mask } from './mask.ts'
import type { AdmittedExecution, Entry, History, Journal, Patience, Signal } from './journal.ts'
import type { EndStatus, Meter } from './meter.ts'
import type { AttemptContext, NodeContext, StepResult, StepSpec, Wait } from './node-context.ts'
import { Stopped, type Outcome, type SliceOutcome, type StopReason } from './outcome.ts'
import { backoff, pause, toFailure, type Failure } from './retry.ts'
import { RECORD_LIMITS, type RecordLimits } from './record-limits.ts'
import { Signals } from './signals.ts'
import { StopSwitch } from './stop-switch.ts'
import { takeTurn } from './turn.ts'
import { StepRecord } from './step.ts'
import { Timeout } from './timeout.ts'
import { Usage } from './usage.ts'

/** The reason of the last abort of every slice; made once, since a stack trace costs more than the rest of it. */
const ended = new Stopped('cancelled')

export interface SliceServices {
  journal: Journal
  hub: EventHub
  models: Models
  outside: Outside
  /** What must not be seen of an environment. */
  masks: Masks
  /** The variables of an environment. */
  variables: (environment: string) => Promise<Readonly<Record<string, string>>>
  /** What a call of a model costs, in US dollars; null where nobody knows. */
  costOf?: (model: string, tokens: Tokens) => number | null
  clock: Clock
  meter: Meter
  /** From so long a wait on, an execution leaves the memory meanwhile. Milliseconds. */
  restFromMs: number
  /** Told that a webhook about a failure is recorded, which is to be sent. */
  onWebhook?: () => void
  /** Told of executions that this one has begun, when that is recorded. */
  onBegun?: (executionIds: readonly string[]) => void
  /** How much an execution may record. */
  most?: Readonly<RecordLimits>
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
  /** Whatever a node gives goes through it before it is recorded, streamed, or given to the nodes after it. */
  readonly #mask: Mask
  readonly #stop = new StopSwitch()
  readonly #recorded: Map<string, StepRow>
  readonly #crashed: boolean
  readonly #restedUntil: number
  readonly #timeout: Timeout
  readonly #holds = new Holds({
    onAllHeld: (until, counts) => this.#considerRest(until, counts),
    onIdle: (isIdle) => {
      this.#isIdle = isIdle
      this.#adjustTimeout()
    },
  })
  /** All that is left are waits that do not count; or the disk has no room for what there is to write. */
  #isIdle = false
  #isStalled = false
  readonly #signals: Signals
  readonly #patience: Patience
  /** Aborted when nobody wants written what a full disk has no room for. */
  #givenUp: AbortController | undefined
  readonly #outcome = Promise.withResolvers<SliceOutcome>()
  readonly #answered: AnswerTally
  readonly usage: Usage
  /** Undefined where its release has none. */
  readonly #budget: ExecutionBudget | undefined
  #positions: number
  #demo = false
  /** Steps that have begun and not ended. */
  readonly #open = new Set<StepRecord>()
  readonly #failures = new Failures()
  readonly #failedParts = new FailedParts()
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
    this.#mask = new Mask(services.masks, execution.environment)
    this.#crashed = history?.crashed ?? false
    this.#restedUntil = history?.rested_until ?? 0
    this.#timeout = new Timeout(execution.runtime_config.timeout * 1000, history?.active_ms ?? 0, () => this.#timeOut())
    this.#signals = new Signals((name, seq) => services.journal.signal(execution.execution_id, name, seq), history?.steps ?? [])
    this.#patience = { onWait: (giveUp) => this.#stall(giveUp, onStalled) }
    this.#recorded = new Map(history?.steps.map((row) => [row.step_id, row]))
    this.#positions = history?.steps.at(-1)?.position ?? 0
    this.usage = new Usage(history?.steps ?? [])
    this.#answered = new AnswerTally(history?.events ?? [])
    this.#budget = this.#budgetOf(execution)
    this.#buffer = new JournalBuffer({
      executionId: execution.execution_id,
      lastEventId: history?.last_event_id ?? 1,
      recorded: history?.recorded ?? 0,
      journal: services.journal,
      hub: services.hub,
      patience: this.#patience,
      onFailure: (error) => this.#loseJournal(error),
      onBegun: services.onBegun,
    })
  }

  #budgetOf({ deployment_id, runtime_config: { budget } }: AdmittedExecution): ExecutionBudget | undefined {
    if (!budget) return undefined
    const { clock, costOf, journal } = this.#services
    const usedOn = async (day: number): Promise<BudgetUse> => {
      // What it has used itself is known only then.
      await this.#buffer.flush()
      return journal.usedOn(deployment_id, day)
    }
    return new ExecutionBudget(budget, { clock, usage: this.usage, costOf, usedOn, tell: (event) => this.emit({ ...event }) })
  }

  stop(why: StopReason): void {
    if (why !== 'timeout') {
      this.#isUnwanted = true
      this.#givenUp?.abort()
    }
    this.#stop.stop(new Stopped(why))
  }

  /** Steps that have begun end; before the next one the execution rests, until `thaw`. */
  freeze(): void {
    this.#freeze ??= Promise.withResolvers()
    this.#holds.check()
  }

  /** Not frozen, or not any more; and what it waits for may have come. */
  thaw(): void {
    this.#freeze?.resolve()
    this.#freeze = undefined
    this.#signals.look()
  }

  /** Somebody began to watch: what waits to be written need not wait any longer. */
  flushEvents(): void {
    this.#buffer.flushEvents()
  }

  async run(): Promise<SliceOutcome> {
    this.#timeout.run()
    // Not a race of the two, which would cost more than all else here: whichever is first settles it.
    this.#runToEnd().then(this.#outcome.resolve, this.#outcome.reject)
    try {
      return await this.#outcome.promise
    } finally {
      this.#timeout.end()
      // Whatever still runs is not wanted any more.
      if (this.#open.size > 0) this.#stop.stop(ended)
    }
  }

  async #runToEnd(): Promise<Outcome> {
    try {
      const ready = this.#mask.ready()
      if (ready) await ready
      const response = this.#mask.of(await runPlan(this.#plan, this.execution, this))
      return await this.#complete(response)
    } catch (error) {
      return await this.#endWith(error)
    }
  }

  emit(event: { type: string; [data: string]: unknown }): void {
    this.#buffer.noteEvent(this.#services.clock.now(), this.#mask.of(event))
  }

  callModel(request: ModelRequest): Promise<ModelAnswer> {
    const { system, messages } = request
    const masked = { ...request, messages: this.#mask.of(messages) }
    if (system !== undefined) masked.system = this.#mask.of(system)
    const { models } = this.#services
    return this.#budget ? this.#budget.admit(masked).then(() => models.call(masked)) : models.call(masked)
  }

  async step<Output>(spec: StepSpec, work: (attempt: AttemptContext) => Promise<StepResult & { output: Output }>): Promise<Output> {
    const record = this.#takeRecord(spec)
    record.model = spec.model === undefined ? undefined : this.#services.models.resolve(spec.model)
    if (record.model?.demo) this.#demo = true
    if (record.status === 'completed') return record.output as Output
    if (record.status === 'failed') throw await this.#recordedFailure(record)
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

  compute<Output>(spec: StepSpec, work: () => Output): Output | Promise<Output> {
    // What may be what crashed the process is counted before it runs, and what is frozen waits.
    if (this.#crashed || this.#freeze) return this.step({ ...spec, maxRetries: 0, pure: true }, async () => ({ output: work() }))
    const record = this.#takeRecord(spec)
    if (record.status === 'completed') return record.output as Output
    if (record.status === 'failed') throw record.error
    this.#stop.throwIfStopped()
    const now = this.#services.clock.now()
    record.begin(now)
    try {
      this.#completeAttempt(record, now, work(), undefined)
      return record.output as Output
    } catch (error) {
      const { error: located } = this.#noteFailure(record, error)
      this.#open.add(record)
      this.#fail(record)
      throw located
    }
  }

  async wait<Output>(spec: StepSpec, wait: () => Wait, settle: (signal: Signal | undefined) => Output): Promise<Output> {
    const record = this.#takeRecord({ ...spec, waits: true })
    if (record.status === 'completed') return record.output as Output
    if (record.status === 'failed') throw await this.#recordedFailure(record)
    this.#open.add(record)
    this.#holds.begin()
    try {
      const what = wait()
      const signal = await this.#waitFor(record, what)
      if (signal) record.attempts.at(-1)!.signalled = what.name!
      this.#completeAttempt(record, this.#services.clock.now(), settle(signal), undefined)
      this.#open.delete(record)
      return record.output as Output
    } catch (error) {
      if (error instanceof Stopped && error.why === 'shutdown') throw error
      throw this.#failWait(record, error)
    } finally {
      this.#holds.end()
    }
  }

  /** What was abandoned with something else ends when that fails, as it did: otherwise it would be what fails first. */
  async #recordedFailure(record: StepRecord): Promise<unknown> {
    if (!record.isAbandoned) return record.error
    const never = new Promise<never>(() => undefined)
    return this.#stop.untilStopped(() => this.#failedParts.unlessFailed(record.spec.id, () => never)).catch((error: unknown) => error)
  }

  #abandon(record: StepRecord): void {
    record.abandon(this.#services.clock.now())
    this.#fail(record)
  }

  endWaits(begin: string): void {
    if (!this.#stop.isStopped) this.#failedParts.add(begin)
  }

  #failWait(record: StepRecord, error: unknown): unknown {
    if (error instanceof Abandoned) {
      this.#abandon(record)
      return error
    }
    try {
      return this.#noteFailure(record, error).error
    } catch (stop) {
      return stop
    } finally {
      this.#fail(record)
    }
  }

  /** @returns undefined when the time has come before the signal */
  async #waitFor(record: StepRecord, { ms = Infinity, name }: Wait): Promise<Signal | undefined> {
    this.#stop.throwIfStopped()
    const began = this.#services.clock.now()
    if (record.beginWait(began)) {
      this.#buffer.noteStep(record)
      this.#emitStep(record, 'started')
    }
    for (;;) {
      await this.#awaitThaw()
      this.#failedParts.throwIfWithin(record.spec.id)
      const arrival = name === undefined ? undefined : this.#signals.expect(name)
      if (arrival?.signal) return arrival.signal
      const now = this.#services.clock.now()
      const left = record.untilOver(now, ms)
      if (left <= 0) {
        arrival?.giveUp()
        return undefined
      }
      await this.#hold(now + left, () => this.#untilTold(record, left, arrival?.told), false).finally(() => arrival?.giveUp())
    }
  }

  /** Until the time has come, or word of a signal. */
  async #untilTold({ spec }: StepRecord, ms: number, told: Promise<void> | undefined): Promise<void> {
    const over = new AbortController()
    const time = ms === Infinity ? [] : [pause(ms, AbortSignal.any([over.signal, this.#stop.signal])).catch(() => undefined)]
    try {
      const word = (): Promise<unknown> => Promise.race([...time, ...(told ? [told] : [])])
      await this.#stop.untilStopped(() => this.#failedParts.unlessFailed(spec.id, word))
    } finally {
      over.abort()
    }
  }

  begin(spec: StepSpec, entry: () => Entry): void {
    const record = this.#takeRecord(spec)
    if (record.status === 'completed') return
    this.#stop.throwIfStopped()
    const { clock } = this.#services
    const now = clock.now()
    const execution_id = clock.id()
    record.begin(now)
    this.#buffer.noteChild({ execution_id, created_at: now, entry: entry() })
    this.#completeAttempt(record, now, { execution_id }, undefined)
  }

  streamsAnswer(path: string, wanted: boolean): boolean {
    for (let turn = 1; ; turn++) {
      const id = `${path}#${turn}`
      const row = this.#recorded.get(id)
      if (row?.status !== 'completed') return wanted
      if (this.#answered.has(id)) return true
      const { text } = JSON.parse(row.output ?? '{}') as { text?: string }
      if (text) return false
    }
  }

  handle(id: string): void {
    for (const record of this.#failures.handle(id)) {
      this.#results++
      this.#buffer.noteStep(record)
    }
  }

  breathe(): Promise<void> | undefined {
    return this.#buffer.isFull ? this.#buffer.flush().then(() => undefined) : takeTurn()
  }

  respond(stepId: string, text: string): void {
    const discard = this.#answered.take(stepId)
    // A process that died after it had said so.
    if (discard > 0) this.emit({ type: 'retry', step_id: stepId, attempt: 1, discard })
    if (text === '') return
    const masked = this.#mask.of(text)
    this.#answered.add(stepId, masked)
    this.#buffer.noteText(this.#services.clock.now(), stepId, masked, false)
  }

  variables(): Promise<Readonly<Record<string, string>>> {
    return this.#services.variables(this.execution.environment)
  }

  get outside(): Outside {
    return this.#services.outside
  }

  get environment(): string {
    return this.execution.environment
  }

  get isStopped(): boolean {
    return this.#stop.isStopped
  }

  #completeAttempt(record: StepRecord, now: number, output: unknown, tokens: Tokens | undefined): void {
    const { model, unpriced } = record.spec
    if (tokens && model !== undefined && !unpriced) record.cost = this.#services.costOf?.(model, tokens) ?? null
    record.complete(now, this.#mask.of(output), tokens)
    this.#results++
    this.#buffer.noteStep(record)
    if (tokens && this.execution.runtime_config.budget?.per_day) {
      this.#buffer.noteUsage({ day: dayOf(now), tokens: tokens.total, cost: record.cost ?? 0 })
    }
    this.#emitStep(record, 'completed')
    this.#meterEnd(record, 'completed')
  }

  /** Attempts the work until it succeeds, may not be retried, or was retried often enough. */
  async #attempt(record: StepRecord, work: (attempt: AttemptContext) => Promise<StepResult>): Promise<void> {
    const { spec } = record
    const retries = spec.container ? 0 : Math.min(this.execution.runtime_config.max_retries, spec.maxRetries ?? Infinity)
    for (;;) {
      if (!spec.container) await this.#awaitTurn(record)
      this.#stop.throwIfStopped()
      const attempt = record.begin(this.#services.clock.now())
      this.#buffer.noteStep(record)
      this.#emitStep(record, 'started')
      if (!spec.container && (!spec.pure || this.#crashed) && !record.model?.demo) await this.#recordBeforeEffect(record)
      let failure: Failure
      try {
        const context = this.#attemptContext(record, attempt.number, record.failures >= retries)
        const { output, tokens } = await this.#stop.untilStopped(() => work(context))
        this.#stop.throwIfStopped()
        context.endAnswer()
        this.#completeAttempt(record, this.#services.clock.now(), output, tokens)
        return
      } catch (error) {
        if (error instanceof Abandoned) {
          this.#abandon(record)
          throw error
        }
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
    if (wait > 0) await this.#hold(now + wait, () => pause(wait, this.#stop.signal), true)
    await this.#awaitThaw()
  }

  async #awaitThaw(): Promise<void> {
    for (let freeze = this.#freeze; freeze; freeze = this.#freeze) {
      const { promise } = freeze
      await this.#hold(Infinity, () => this.#stop.untilStopped(() => promise), false)
    }
  }

  /** @param counts whether the wait counts towards the timeout */
  async #hold(until: number, wait: () => Promise<void>, counts: boolean): Promise<void> {
    await this.#holds.hold(until, counts, async () => {
      await wait()
      // A rest that is being written decides: after it another slice goes on.
      await this.#resting
    })
  }

  /** @param counts whether the timeout goes on meanwhile */
  #considerRest(until: number, counts: boolean): void {
    if (this.#resting || this.#stop.isStopped) return
    const now = this.#services.clock.now()
    const earliest = counts ? Math.min(until, now + this.#timeout.left) : until
    const frozen = this.#freeze !== undefined
    const wakeAt = frozen || earliest === Infinity ? null : Math.ceil(earliest)
    if (wakeAt !== null && wakeAt - now < this.#services.restFromMs) return
    this.#resting = this.#rest(now, { wakeAt, counts, frozen }).catch((error: unknown) => this.#loseJournal(error))
  }

  async #rest(now: number, { wakeAt, counts, frozen }: { wakeAt: number | null; counts: boolean; frozen: boolean }): Promise<void> {
    await this.#buffer.flush()
    // The wait for a retry counts towards the timeout, wherever it is spent; that for a time does not.
    const booked_ms = wakeAt === null || !counts ? 0 : wakeAt - now
    const active_ms = Math.round(this.#timeout.used + booked_ms)
    const { execution_id } = this.execution
    const awaits = this.#signals.awaited
    const rest = {
      execution_id,
      active_ms,
      booked_ms,
      status: 'waiting',
      wake_at: wakeAt,
      awaits,
      // As it was when the time was chosen: word of its end may have come since.
      frozen,
    } as const
    const state = await this.#services.journal.rest(rest, this.#patience)
    if (state === 'resting') {
      this.#hasRested = true
      this.#buffer.discard()
      this.#outcome.resolve({ status: 'resting', wake_at: wakeAt })
      // Nothing of this slice goes on.
      return new Promise(() => undefined)
    }
    this.#resting = undefined
    if (state === 'ended') this.#loseJournal(undefined)
    // It may have been frozen once more meanwhile.
    else if (this.#services.journal.standing(this.execution.execution_id)?.frozen) this.#holds.check()
    else this.thaw()
  }

  /** A rest that is being written decides: if it is on disk already, nothing that this slice still notes may follow it. */
  #timeOut(): void {
    if (this.#resting) void this.#resting.then(() => this.stop('timeout'))
    else this.stop('timeout')
  }

  #adjustTimeout(): void {
    if (this.#isIdle || this.#isStalled) this.#timeout.pause()
    else this.#timeout.run()
  }

  #stall(giveUp: AbortController | undefined, onStalled: () => void): void {
    this.#givenUp = giveUp
    this.#isStalled = giveUp !== undefined
    this.#adjustTimeout()
    if (!giveUp) return
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
    const stop = this.#stop.reason as Stopped | undefined
    if (stop && stop.why !== 'timeout') throw stop
    const failure = stop ? { error: this.#timedOut(), retryable: false, retryAfterMs: 0 } : toFailure(error, this.#services.onFault)
    const located = this.#mask.error(locate(failure.error, record.spec.id))
    record.failAttempt(this.#services.clock.now(), located)
    if (stop) throw stop
    return { ...failure, error: located }
  }

  #attemptContext({ spec }: StepRecord, number: number, isLast: boolean): AttemptContext & { endAnswer: () => void } {
    const { signal } = this.#stop
    const stream = this.#mask.stream()
    const say = (text: string): void => {
      if (text === '') return
      const first = this.#answered.add(spec.id, text)
      this.#buffer.noteText(this.#services.clock.now(), spec.id, text, first)
    }
    return {
      number,
      isLast,
      signal,
      idempotencyKey: `${this.execution.execution_id}:${spec.id}`,
      answer: (text) => {
        // A model call that does not heed its signal must not write into the attempt that follows.
        if (!signal.aborted) say(stream.push(text))
      },
      endAnswer: () => say(stream.end()),
    }
  }

  /** @throws ExecutionTooLarge where it would be one step too many */
  #takeRecord(spec: StepSpec): StepRecord {
    const row = this.#recorded.get(spec.id)
    this.#recorded.delete(spec.id)
    if (row) {
      const record = StepRecord.restore(row, spec, this.#services.clock.now())
      record.noteRested(this.#restedUntil)
      if (record.status === 'failed') this.#failures.add(record)
      return record
    }
    const { steps, characters } = this.#services.most ?? RECORD_LIMITS
    if (this.#positions >= steps) throw new ExecutionTooLarge({ exceeded: 'steps', limit: steps })
    if (this.#buffer.recorded > characters) throw new ExecutionTooLarge({ exceeded: 'characters', limit: characters })
    const input = this.#mask.of(spec.input)
    const masked = input === spec.input ? spec : { ...spec, input }
    return new StepRecord(this.execution.execution_id, ++this.#positions, masked, { presumedCrash: this.#crashed })
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

  #count({ tokens, cost }: StepRecord): void {
    if (tokens) this.usage.add(tokens, cost)
  }

  #fail(record: StepRecord): void {
    if (!this.#open.delete(record) || this.#hasRested) return
    record.fail()
    this.#failures.add(record)
    const { reason } = this.#stop
    this.#meterEnd(record, reason instanceof Stopped && reason.why === 'cancelled' ? 'cancelled' : 'failed')
    this.#buffer.noteStep(record)
    this.#emitStep(record, 'failed')
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
      tokens: this.usage.tokens,
      demo: this.#demo,
    }
    if (!(await this.#buffer.end(end))) return this.#endCancelled()
    this.#services.meter.executionEnded(this.execution, 'completed', end.at)
    return { status: 'completed', response, tokens: this.usage.tokens, demo: this.#demo }
  }

  async #endWith(error: unknown): Promise<Outcome> {
    if (error instanceof Stopped && error.why === 'cancelled') return this.#endCancelled()
    if (error instanceof Stopped && error.why === 'shutdown') return this.#leaveInOrder()
    if (error instanceof JournalLost) return this.#leave(toFailure(error.error, this.#services.onFault).error)
    // Whoever rests is not here any more, and has not failed.
    await this.#resting
    const failure = error instanceof Stopped ? this.#timedOut() : this.#mask.error(toFailure(error, this.#services.onFault).error)
    this.#abandonOpenSteps()
    const end = {
      status: 'failed' as const,
      at: this.#services.clock.now(),
      response: null,
      error: { ...failure.serialize(), message: failure.message },
      tokens: this.usage.tokens,
      demo: this.#demo,
    }
    try {
      if (!(await this.#buffer.end(end))) return this.#endCancelled()
      this.#services.meter.executionEnded(this.execution, 'failed', end.at)
      if (this.execution.runtime_config.on_failure) this.#services.onWebhook?.()
      return { status: 'failed', error: failure }
    } catch (lost) {
      return this.#leave(toFailure((lost as JournalLost).error, this.#services.onFault).error)
    }
  }

  /** What still runs beside the step that failed: it would be recorded as running for ever. */
  #abandonOpenSteps(): void {
    this.#stop.stop(ended)
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
    const { execution_id } = this.execution
    const rest = { execution_id, active_ms, booked_ms: 0, status: 'queued', wake_at: null, awaits: [], frozen: false } as const
    const written = this.#buffer.flush().then(() => this.#services.journal.rest(rest, this.#patience))
    await written.catch((error: unknown) => toFailure(error instanceof JournalLost ? error.error : error, this.#services.onFault))
    return this.#leave(new ShuttingDown({}))
  }

  /** Nothing can be recorded any more, so nothing may go on. Without an error the execution has ended elsewhere. */
  #loseJournal(error: unknown): void {
    this.#stop.stop(error === undefined ? new Stopped('cancelled') : (error as Error))
  }
}
