import type { JournalEntry } from '../journal.ts'

/**
 * A journal entry as it goes to the writing thread: one flat list, since a message of objects carries the name of every
 * field of every row, and copying it costs more than writing it.
 */
export type PackedEntry = (string | number | null)[]

/** Characters from which on a text takes the writing thread several milliseconds, for which others should not have to wait. */
export const LARGE = 262_144

export function hasLarge(packed: PackedEntry): boolean {
  return packed.some((value) => typeof value === 'string' && value.length > LARGE)
}

/** Columns of a step, after `execution_id`. */
export const STEP_COLUMNS = [
  'step_id',
  'position',
  'kind',
  'name',
  'status',
  'attempts',
  'input',
  'output',
  'model',
  'input_tokens',
  'output_tokens',
  'cost',
] as const

/** Columns of an execution that its end sets. */
export const END_COLUMNS = ['status', 'ended_at', 'response', 'error', 'input_tokens', 'output_tokens', 'demo', 'last_event_id'] as const

export function packEntry({ execution_id, steps, events, end }: JournalEntry): PackedEntry {
  const packed: PackedEntry = [execution_id, steps.length]
  for (const step of steps) {
    packed.push(execution_id)
    for (const column of STEP_COLUMNS) packed.push(step[column])
  }
  if (events) packed.push(1, events.first_id, events.last_id, events.events)
  else packed.push(0)
  if (!end) return packed
  const { status, at, response, error, tokens, demo, last_event_id } = end
  packed.push(status, at, response, error && JSON.stringify(error), tokens.input, tokens.output, demo ? 1 : 0, last_event_id)
  packed.push(error && error.message)
  return packed
}

/** Reads a list part by part. */
export class Unpacking {
  readonly #packed: PackedEntry
  #at = 0

  constructor(packed: PackedEntry) {
    this.#packed = packed
  }

  get isAtEnd(): boolean {
    return this.#at === this.#packed.length
  }

  take(count: number): PackedEntry {
    return this.#packed.slice(this.#at, (this.#at += count))
  }

  takeOne(): string | number | null {
    return this.#packed[this.#at++]!
  }
}
