import { setTimeout as delay } from 'node:timers/promises'
import { StorageFull } from '../../errors.ts'
import { bringsHistory, withTurns } from '../conversation.ts'
import { decodeEvents } from '../event-codec.ts'
import { sizeOf } from '../step.ts'
import type { SqliteStore } from '../../store/sqlite/sqlite-store.ts'
import type { EventsRow, ExecutionRow, SignalRow, StepRow } from '../../store/tables.ts'
import type {
  Admission,
  AdmittedExecution,
  Attempt,
  Concurrency,
  Entry,
  Journal,
  JournalEntry,
  Obstacle,
  Patience,
  Pending,
  RecordedEvent,
  Rest,
  RuntimeConfig,
  Signal,
  Standing,
  TakenUp,
  TakeUpReason,
  Unfinished,
} from '../journal.ts'
import type { BudgetUse } from '../budget.ts'
import { usedOn } from './deployment-budget.ts'
import { nextInConversation } from './conversations.ts'
import { admit, append, beginSlice, rest } from './journal-commands.ts'
import { hasLarge, LARGE, packEntry } from './packed-entry.ts'

/** How often is tried to write what a full disk had no room for. Milliseconds. */
const ROOM_MS = 500

/** The journal on the embedded database. */
export class SqliteJournal implements Journal {
  readonly #store: SqliteStore
  /** Entries that wait for room on the disk. */
  #waiting = 0

  readonly #onBoundPassed: (deploymentId: string) => void

  /** @param onBoundPassed told when the end of an execution showed that its release is beyond a bound of its guard */
  constructor(store: SqliteStore, onBoundPassed: (deploymentId: string) => void = () => undefined) {
    this.#store = store
    this.#onBoundPassed = onBoundPassed
  }

  get isFull(): boolean {
    return this.#waiting > 0
  }

  async admit(admission: Admission): Promise<AdmittedExecution> {
    // What was accepted comes first: a new execution is small, and would take the room that the results wait for.
    if (this.isFull) throw new StorageFull({})
    const { request_json, ...asked } = admission
    const { execution_id, request, api_key_id, now: created_at } = asked
    const packed = { ...asked, request: request_json ?? JSON.stringify(request), brings_history: bringsHistory(request) }
    const { remembered, ...admitted } = await (packed.request.length > LARGE
      ? this.#store.writeLarge(admit, packed)
      : this.#store.write(admit, packed))
    return { ...admitted, execution_id, request: withTurns(request, remembered), api_key_id, created_at }
  }

  append(entry: JournalEntry, patience: Patience): Promise<boolean> {
    const write = async (): Promise<boolean> => {
      const packed = packEntry(entry)
      const written = await (hasLarge(packed) ? this.#store.writeLarge(append, packed) : this.#store.write(append, packed))
      if (typeof written === 'string') this.#onBoundPassed(written)
      return written !== false
    }
    return write().catch((error: unknown) => this.#retry(error, write, patience))
  }

  rest(resting: Rest, patience: Patience): Promise<'resting' | 'awake' | 'ended'> {
    const write = (): Promise<'resting' | 'awake' | 'ended'> => this.#store.write(rest, resting)
    return write().catch((error: unknown) => this.#retry(error, write, patience))
  }

  unfinished(): Unfinished[] {
    const rows = this.#pending(
      `select execution_id, deployment_id, octet_length(request) as bytes, status = 'running' as begun
       from executions where ended_at is null and status <> 'waiting'`,
    ) as (Pending & { begun: 0 | 1 })[]
    // Sorted here: for the order SQLite would rather walk through all executions than the few of the partial index.
    return rows.map((row) => ({ ...row, begun: row.begun === 1 })).sort((a, b) => (a.execution_id < b.execution_id ? -1 : 1))
  }

  async takeUp(execution_id: string, why: TakeUpReason, now: number): Promise<TakenUp | Obstacle | undefined> {
    const { reader } = this.#store
    const row = reader.prepare('select * from executions where execution_id = ? and ended_at is null').get(execution_id) as
      | ExecutionRow
      | undefined
    if (!row) return undefined
    const steps = reader.prepare('select * from steps where execution_id = ? order by position').all(execution_id) as unknown as StepRow[]
    const eventRows = reader
      .prepare('select * from events where execution_id = ? order by first_id')
      .all(execution_id) as unknown as EventsRow[]
    const events = eventRows.flatMap(decodeEvents)
    // Whoever leaves an execution in order says so.
    const crashed = why === 'recovery' && row.status === 'running'
    const active_ms = crashed ? row.active_ms + timeInLastSlice(row, steps, events) : activeMs(row, why, now)
    const begun = await this.#store.write(beginSlice, { execution_id, active_ms, crashed, now })
    if (begun === 'held') return undefined
    if (typeof begun === 'string' && begun !== 'begun') return begun
    const rested_until = why === 'due' ? (row.wake_at ?? 0) : 0
    const recorded = steps.reduce((sum, step) => sum + sizeOf(step), 0) + eventRows.reduce((sum, { events: text }) => sum + text.length, 0)
    const history = { active_ms, last_event_id: events.at(-1)?.id ?? 1, steps, events, recorded, crashed, rested_until }
    return { execution: toAdmitted(typeof begun === 'string' ? row : { ...row, session_turn: 1, ...begun }), history }
  }

  nextInConversation(execution_id: string): string | undefined {
    return nextInConversation(this.#store.reader, execution_id)
  }

  signal(execution_id: string, name: string, seq: number): Signal | undefined {
    const row = this.#store.reader
      .prepare('select seq, payload, sent_at, sent_by from signals where execution_id = ? and name = ? and seq = ?')
      .get(execution_id, name, seq) as Pick<SignalRow, 'seq' | 'payload' | 'sent_at' | 'sent_by'> | undefined
    return row && { ...row, payload: JSON.parse(row.payload) as unknown }
  }

  standing(execution_id: string): Standing | undefined {
    const row = this.#store.reader
      .prepare(
        'select deployment_id, octet_length(request) as bytes, status, frozen from executions where execution_id = ? and ended_at is null',
      )
      .get(execution_id) as (Omit<Standing, 'frozen'> & { frozen: 0 | 1 }) | undefined
    return row && { ...row, frozen: row.frozen === 1 }
  }

  due(at: number): Pending[] {
    return this.#pending(
      `select execution_id, deployment_id, octet_length(request) as bytes
       from executions where wake_at is not null and wake_at <= ? and ended_at is null order by wake_at, execution_id`,
      at,
    )
  }

  nextWake(after: number): number | undefined {
    const row = this.#store.reader
      .prepare('select min(wake_at) as next from executions where wake_at is not null and wake_at > ?')
      .get(after)
    return (row?.['next'] as number | null) ?? undefined
  }

  definition(definition_digest: string): string | undefined {
    const row = this.#store.reader.prepare('select definition from definitions where definition_digest = ?').get(definition_digest)
    return row?.['definition'] as string | undefined
  }

  concurrency(deployment_id: string): Concurrency | undefined {
    const row = this.#store.reader
      .prepare(
        `select l.runtime_config from deployments d join releases l on l.deployment_id = d.deployment_id and l.number = d.live_release
         where d.deployment_id = ?`,
      )
      .get(deployment_id)
    return row && (JSON.parse(row['runtime_config'] as string) as RuntimeConfig).concurrency
  }

  usedOn(deployment_id: string, day: number): BudgetUse {
    return usedOn(this.#store.reader, deployment_id, day)
  }

  #pending(sql: string, ...parameters: number[]): Pending[] {
    return this.#store.reader.prepare(sql).all(...parameters) as unknown as Pending[]
  }

  /** A result that there is must not be made again because the disk was full: it is kept until there is room. */
  async #retry<Result>(failure: unknown, write: () => Promise<Result>, { onWait }: Patience): Promise<Result> {
    if (!(failure instanceof StorageFull)) throw failure
    const giveUp = new AbortController()
    const { signal } = giveUp
    this.#waiting++
    onWait(giveUp)
    try {
      for (;;) {
        await delay(ROOM_MS, undefined, { signal }).catch(() => undefined)
        if (signal.aborted) throw failure
        try {
          return await write()
        } catch (error) {
          if (!(error instanceof StorageFull)) throw error
        }
      }
    } finally {
      this.#waiting--
      onWait(undefined)
    }
  }
}

function toAdmitted(row: ExecutionRow): AdmittedExecution {
  return {
    execution_id: row.execution_id,
    deployment_id: row.deployment_id,
    deployment_name: row.deployment_name,
    environment: row.environment,
    workflow_id: row.workflow_id,
    release_number: row.release_number,
    definition_digest: row.definition_digest,
    runtime_config: JSON.parse(row.runtime_config),
    request: withTurns(JSON.parse(row.request), row.remembered),
    api_key_id: row.api_key_id,
    created_at: row.created_at,
    status: 'running',
    session_turn: row.session_turn,
    ...(row.notification !== null && { entry: JSON.parse(row.notification) as Entry }),
  }
}

/** A rest books its whole wait, if that counts; one that was woken early has not waited for all of it. */
function activeMs({ active_ms, booked_ms, wake_at }: ExecutionRow, why: TakeUpReason, now: number): number {
  if (why === 'due' || wake_at === null) return active_ms
  return active_ms - Math.min(booked_ms, Math.max(0, wake_at - now))
}

/**
 * How long the slice that a process left had run, as far as the journal knows: until the last thing it wrote. The time
 * that no process ran does not count towards the timeout.
 */
function timeInLastSlice(row: ExecutionRow, steps: StepRow[], events: RecordedEvent[]): number {
  if (row.slice_started_at === null) return 0
  const attempts = steps.flatMap((step) => JSON.parse(step.attempts) as Attempt[])
  const times = [...attempts.flatMap((attempt) => [attempt.started_at, attempt.ended_at ?? 0]), ...events.map((event) => event.at)]
  return Math.max(0, times.reduce((latest, time) => Math.max(latest, time), 0) - row.slice_started_at)
}
