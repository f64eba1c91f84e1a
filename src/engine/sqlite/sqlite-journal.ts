import type { SqliteStore } from '../../store/sqlite/sqlite-store.ts'
import type { EventsRow, ExecutionRow, StepRow } from '../../store/tables.ts'
import type { Admission, AdmittedExecution, Attempt, Journal, JournalEntry, RecordedEvent, UnfinishedExecution } from '../journal.ts'
import { admit, append, beginSlice } from './journal-commands.ts'

/** The journal on the embedded database. */
export class SqliteJournal implements Journal {
  readonly #store: SqliteStore

  constructor(store: SqliteStore) {
    this.#store = store
  }

  admit(admission: Admission): Promise<AdmittedExecution> {
    return this.#store.write(admit, admission)
  }

  append(entry: JournalEntry): Promise<boolean> {
    return this.#store.write(append, entry)
  }

  unfinished(): string[] {
    const rows = this.#store.reader.prepare('select execution_id from executions where ended_at is null order by execution_id').all()
    return rows.map((row) => row['execution_id'] as string)
  }

  async recover(execution_id: string, now: number): Promise<UnfinishedExecution | undefined> {
    const { reader } = this.#store
    const row = reader.prepare('select * from executions where execution_id = ? and ended_at is null').get(execution_id) as
      | ExecutionRow
      | undefined
    if (!row) return undefined
    const steps = reader.prepare('select * from steps where execution_id = ? order by position').all(execution_id) as unknown as StepRow[]
    const eventRows = reader
      .prepare('select * from events where execution_id = ? order by first_id')
      .all(execution_id) as unknown as EventsRow[]
    const events = eventRows.flatMap((one) => JSON.parse(one.events) as RecordedEvent[])
    const active_ms = row.active_ms + timeInLastSlice(row, steps, events)
    if (!(await this.#store.write(beginSlice, { execution_id, active_ms, now }))) return undefined
    const last_event_id = events.at(-1)?.id ?? 1
    return { execution: toAdmitted(row), active_ms, last_event_id, steps, events }
  }

  definition(definition_digest: string): string | undefined {
    const row = this.#store.reader.prepare('select definition from definitions where definition_digest = ?').get(definition_digest)
    return row?.['definition'] as string | undefined
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
