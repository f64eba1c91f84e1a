import { ownTurn } from '../own-turn.ts'
import type { EventsRow, StepRow } from '../store/tables.ts'
import type { DayUsage } from './budget.ts'
import { endEvent } from './end-event.ts'
import { encodeEvents } from './event-codec.ts'
import type { EventHub } from './event-hub.ts'
import type { Child, ExecutionEnd, Journal, JournalEntry, Patience, RecordedEvent } from './journal.ts'
import { sizeOf } from './step.ts'

/** Nothing more can be recorded, so nothing may go on; a later process takes the execution up. */
export class JournalLost extends Error {
  readonly error: unknown

  constructor(error: unknown) {
    super('the journal cannot be written', { cause: error })
    this.error = error
  }
}

/** How long a row may wait for company, when nobody waits for it. */
const GATHER_MS = 10
/** Events of an execution that nobody watches may wait longer: less is written. */
const UNWATCHED_MS = 250
/** … unless this much text has gathered. */
const FLUSH_CHARS = 4096

/** Outputs of so many characters wait to be written before more of them are made: they would fill the memory. */
const MOST_UNWRITTEN_CHARS = 8_000_000

/** A response of more characters than this is written apart from what comes before it: nobody should have to wait for both. */
const LARGE_CHARS = 500_000

/**
 * Gathers what one execution writes, so that one journal entry carries it. Events are given to the hub only after
 * their commit: an event that was seen and then lost in a crash could come again with the same id and another text.
 */
export class JournalBuffer {
  readonly #executionId: string
  readonly #journal: Journal
  readonly #hub: EventHub
  readonly #patience: Patience
  readonly #onFailure: (error: unknown) => void
  readonly #onBegun: ((executionIds: readonly string[]) => void) | undefined
  #steps = new Set<RecordedStep>()
  #events: RecordedEvent[] = []
  #chars = 0
  /** Of what was taken to be written. */
  #recorded: number
  /** Of the outputs that are noted since. */
  #unwritten = 0
  #lastEventId: number
  #timer: NodeJS.Timeout | undefined
  /** What the timer was set to. */
  #patienceMs = Infinity
  #closed = false
  /** The newest write, which stands for all before it. */
  #last: Promise<boolean> = Promise.resolve(true)
  /** The same, as long as it still takes what is noted. */
  #next: Promise<boolean> | undefined
  #usage: DayUsage | undefined
  #children: Child[] | undefined
  #end: Omit<ExecutionEnd, 'last_event_id'> | undefined

  /** @param onFailure told once when a write fails or the execution has ended elsewhere: nothing more can be recorded */
  constructor(options: {
    executionId: string
    lastEventId: number
    /** Characters that are recorded already. */
    recorded?: number
    journal: Journal
    hub: EventHub
    patience: Patience
    onFailure: (error: unknown) => void
    /** Told of the executions that it began, when that is committed. */
    onBegun?: ((executionIds: readonly string[]) => void) | undefined
  }) {
    this.#executionId = options.executionId
    this.#lastEventId = options.lastEventId
    this.#recorded = options.recorded ?? 0
    this.#journal = options.journal
    this.#hub = options.hub
    this.#patience = options.patience
    this.#onFailure = options.onFailure
    this.#onBegun = options.onBegun
  }

  /** Characters of the steps and events that are written, are being written, or will be. */
  get recorded(): number {
    return this.#recorded + this.#unwritten
  }

  /** Whether so much waits to be written that nothing should be added to it before that. */
  get isFull(): boolean {
    return this.#unwritten > MOST_UNWRITTEN_CHARS
  }

  /** The step is written as it is then: what happens to it in between costs no write of its own. */
  noteStep(step: RecordedStep): void {
    this.#unwritten += step.outputSize
    this.#steps.add(step)
    this.#flushWithin(GATHER_MS)
  }

  /** What a step has used that was just noted: it is counted in the transaction that records the step. */
  noteUsage({ day, tokens, cost }: DayUsage): void {
    const { tokens: before = 0, cost: costBefore = 0 } = this.#usage ?? {}
    this.#usage = { day, tokens: before + tokens, cost: costBefore + cost }
  }

  /** What the step begins that is noted in the same turn: both are written at once. */
  noteChild(child: Child): void {
    this.#children = [...(this.#children ?? []), child]
  }

  /** @param event becomes the buffer's own */
  noteEvent(at: number, event: { type: string; [data: string]: unknown }): void {
    this.#events.push(Object.assign(event, { id: ++this.#lastEventId, at }))
    this.#flushWithin(this.#gatherMs())
  }

  /** Pieces of one step that follow each other become one event. @param first goes out at once, if somebody watches */
  noteText(at: number, stepId: string, text: string, first: boolean): void {
    const last = this.#events.at(-1)
    if (last?.type === 'content' && last['step_id'] === stepId) last['data'] = (last['data'] as string) + text
    else this.#events.push({ type: 'content', data: text, step_id: stepId, id: ++this.#lastEventId, at })
    this.#chars += text.length
    const urgent = this.#chars >= FLUSH_CHARS || (first && this.#hub.isWatched(this.#executionId))
    this.#flushWithin(urgent ? 0 : this.#gatherMs())
  }

  /** Makes waiting events available to somebody who begins to watch. */
  flushEvents(): void {
    if (this.#events.length > 0) this.#flushWithin(GATHER_MS)
  }

  /** Resolves when everything noted so far is committed; false when the execution has ended elsewhere. */
  flush(): Promise<boolean> {
    return this.#write()
  }

  /** Writes the rest together with the end of the execution. What is noted after that is lost. */
  async end(end: Omit<ExecutionEnd, 'last_event_id'>): Promise<boolean> {
    this.#closed = true
    if (end.response !== null && end.response.length > LARGE_CHARS) {
      // The last step says it as well: each is written in a turn, and a transaction, of its own.
      await ownTurn()
      if (!(await this.#write())) return false
      await ownTurn()
    }
    this.#end = end
    return this.#write()
  }

  /** Forgets what is not written. */
  discard(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #gatherMs(): number {
    return this.#hub.isWatched(this.#executionId) ? GATHER_MS : UNWATCHED_MS
  }

  /** Within so long at most, which may be sooner: a timer that is set already stays where it is as short. */
  #flushWithin(ms: number): void {
    if (this.#closed || ms >= this.#patienceMs) return
    clearTimeout(this.#timer)
    this.#patienceMs = ms
    this.#timer = setTimeout(() => void this.#write().catch(this.#onFailure), ms)
  }

  /**
   * Writes what is noted when the write before it is committed. There is one at a time: if one were lost and a later one
   * not, the gap could never be closed. Whoever flushes while it waits shares it.
   */
  #write(): Promise<boolean> {
    if (this.#next) return this.#next
    if (!this.#end && this.#steps.size === 0 && this.#events.length === 0) return this.#last
    this.#next = this.#last.then((written) => written && this.#append())
    this.#last = this.#next
    return this.#last
  }

  async #append(): Promise<boolean> {
    this.#next = undefined
    const events = this.#events
    const entry = this.#takeEntry()
    const written = await this.#journal.append(entry, this.#patience).catch((error: unknown) => {
      throw new JournalLost(error)
    })
    if (written) this.#publish(events, entry.end)
    else this.#onFailure(undefined)
    if (written && entry.children) this.#onBegun?.(entry.children.map(({ execution_id }) => execution_id))
    return written
  }

  #publish(events: RecordedEvent[], end: ExecutionEnd | undefined): void {
    if (!this.#hub.isWatched(this.#executionId)) return
    if (events.length > 0) this.#hub.publish(this.#executionId, events, false)
    if (end) this.#hub.publish(this.#executionId, [endEvent(end)], true)
  }

  #takeEntry(): JournalEntry {
    clearTimeout(this.#timer)
    this.#patienceMs = Infinity
    const events = toRow(this.#executionId, this.#events)
    this.#recorded += events?.events.length ?? 0
    this.#unwritten = 0
    const entry: JournalEntry = {
      execution_id: this.#executionId,
      steps: [...this.#steps].map((step) => this.#takeRow(step)),
      events,
      ...(this.#usage && { usage: this.#usage }),
      ...(this.#children && { children: this.#children }),
      ...(this.#end && { end: { ...this.#end, last_event_id: ++this.#lastEventId } }),
    }
    this.#steps = new Set()
    this.#events = []
    this.#chars = 0
    this.#usage = undefined
    this.#children = undefined
    this.#end = undefined
    return entry
  }

  #takeRow(step: RecordedStep): StepRow {
    const row = step.toRow()
    const size = sizeOf(row)
    this.#recorded += size - step.size
    step.size = size
    return row
  }
}

interface RecordedStep {
  /** Characters of it that are recorded. */
  size: number
  readonly outputSize: number
  toRow(): StepRow
}

function toRow(execution_id: string, events: RecordedEvent[]): EventsRow | null {
  if (events.length === 0) return null
  return { execution_id, first_id: events[0]!.id, last_id: events.at(-1)!.id, events: encodeEvents(events) }
}
