import { setTimeout as delay } from 'node:timers/promises'
import { StorageFull } from '../../errors.ts'
import { decodeEvents } from '../event-codec.ts'
import type { SqliteStore } from '../../store/sqlite/sqlite-store.ts'
import type { EventsRow, ExecutionRow, StepRow } from '../../store/tables.ts'
import type {
  Admission,
  AdmittedExecution,
  Attempt,
  Journal,
  JournalEntry,
  Patience,
  RecordedEvent,
  Rest,
  Standing,
  TakenUp,
  TakeUpReason,
} from '../journal.ts'
import { admit, append, beginSlice, rest } from './journal-commands.ts'
import { packEntry } from './packed-entry.ts'

/** How often is tried to write what a full disk had no room for. Milliseconds. */
const ROOM_MS = 500

/** The journal on the embedded database. */
export class SqliteJournal implements Journal {
  readonly #store: SqliteStore
  /** Entries that wait for room on the disk. */
  #waiting = 0

  constructor(store: SqliteStore) {
    this.#store = store
  }

  get isFull(): boolean {
    return this.#waiting > 0
  }

  async admit(admission: Admission): Promise<AdmittedExecution> {
    // What was accepted comes first: a new execution is small, and would take the room that the results wait for.
    if (this.isFull) throw new StorageFull({})
    const { execution_id, request, now: created_at, status } = admission
    const admitted = await this.#store.write(admit, { ...admission, request: JSON.stringify(request) })
    return { ...admitted, execution_id, request, created_at, status }
  }

  append(entry: JournalEntry, patience: Patience): Promise<boolean> {
    const write = (): Promise<boolean> => this.#store.write(append, packEntry(entry))
    return write().catch((error: unknown) => this.#retry(error, write, patience))
  }

  rest(resting: Rest, patience: Patience): Promise<'resting' | 'awake' | 'ended'> {
    const write = (): Promise<'resting' | 'awake' | 'ended'> => this.#store.write(rest, resting)
    return write().catch((error: unknown) => this.#retry(error, write, patience))
  }

  unfinished(): string[] {
    // Sorted here: for the order SQLite would rather walk through all executions than the few of the partial index.
    return this.#ids(`select execution_id from executions where ended_at is null and status <> 'waiting'`).sort()
  }

  async takeUp(execution_id: string, why: TakeUpReason, now: number): Promise<TakenUp | undefined> {
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
    if (!(await this.#store.write(beginSlice, { execution_id, active_ms, crashed, now }))) return undefined
    const rested_until = why === 'due' ? (row.wake_at ?? 0) : 0
    const history = { active_ms, last_event_id: events.at(-1)?.id ?? 1, steps, events, crashed, rested_until }
    return { execution: toAdmitted(row), history }
  }

  standing(execution_id: string): Standing | undefined {
    const row = this.#store.reader
      .prepare('select status, frozen from executions where execution_id = ? and ended_at is null')
      .get(execution_id)
    return row && { status: row['status'] as Standing['status'], frozen: row['frozen'] === 1 }
  }

  due(at: number): string[] {
    return this.#ids(
      'select execution_id from executions where wake_at is not null and wake_at <= ? and ended_at is null order by wake_at, execution_id',
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

  #ids(sql: string, ...parameters: number[]): string[] {
    const rows = this.#store.reader.prepare(sql).all(...parameters)
    return rows.map((row) => row['execution_id'] as string)
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
    request: JSON.parse(row.request),
    created_at: row.created_at,
    status: 'running',
  }
}

/** A rest books its whole wait; one that was woken early has not waited for all of it. */
function activeMs({ active_ms, wake_at }: ExecutionRow, why: TakeUpReason, now: number): number {
  return why === 'due' || wake_at === null ? active_ms : Math.max(0, active_ms - Math.max(0, wake_at - now))
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
