import type { Admission, AdmittedExecution } from '../../src/engine/journal.ts'
import { SqliteJournal } from '../../src/engine/sqlite/sqlite-journal.ts'

/** Asks the real journal once for each target which release serves it, and records nothing. */
class ForgetfulJournal extends SqliteJournal {
  readonly #admitted = new Map<string, Promise<AdmittedExecution>>()

  override async admit(admission: Admission): Promise<AdmittedExecution> {
    const target = JSON.stringify(admission.target)
    const first = this.#admitted.get(target) ?? super.admit(admission)
    this.#admitted.set(target, first)
    const { execution_id, request, now, status } = admission
    return { ...(await first), execution_id, request, created_at: now, status }
  }

  override append(): Promise<boolean> {
    return Promise.resolve(true)
  }
}

export { ForgetfulJournal as SqliteJournal }
