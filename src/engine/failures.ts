import type { StepRecord } from './step.ts'

/** What may follow the id of a node, an item or an iteration in the ids of the steps within it. */
const WITHIN = new Set(['#', '/', '['])

/** Whether a step is one of these, or stands within one: `a#1` within the agent `a`, `each[0]/one` within the item `each[0]`. */
export function isWithin(stepId: string, ids: ReadonlySet<string>): boolean {
  if (ids.size === 0) return false
  if (ids.has(stepId)) return true
  for (let end = stepId.length - 1; end > 0; end--) if (WITHIN.has(stepId[end]!) && ids.has(stepId.slice(0, end))) return true
  return false
}

/**
 * The steps of a slice that have failed, and those of them that another way was taken for. What is recorded of the latter
 * says so: when the execution fails of something else and is resumed, they stay as they are, since the other way was taken.
 */
export class Failures {
  readonly #unhandled = new Set<StepRecord>()
  readonly #handled = new Set<string>()

  add(record: StepRecord): void {
    if (record.isHandled) return
    if (isWithin(record.spec.id, this.#handled)) record.noteHandled()
    else this.#unhandled.add(record)
  }

  /** @returns the steps under this id that are marked now, to be recorded */
  handle(id: string): StepRecord[] {
    this.#handled.add(id)
    const within = new Set([id])
    const marked = [...this.#unhandled].filter((record) => isWithin(record.spec.id, within))
    for (const record of marked) {
      record.noteHandled()
      this.#unhandled.delete(record)
    }
    return marked
  }
}
