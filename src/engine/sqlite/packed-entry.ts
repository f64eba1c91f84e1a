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

/** What follows the steps, as bits of one number. */
export const HAS_EVENTS = 1
export const HAS_USAGE = 2
export const HAS_CHILDREN = 4

export function packEntry({ execution_id, steps, events, usage, children, end }: JournalEntry): PackedEntry {
  const packed: PackedEntry = [execution_id, steps.length]
  for (const step of steps) {
    packed.push(execution_id)
    for (const column of STEP_COLUMNS) packed.push(step[column])
  }
  packed.push((events ? HAS_EVENTS : 0) + (usage ? HAS_USAGE : 0) + (children ? HAS_CHILDREN : 0))
  if (events) packed.push(events.first_id, events.last_id, events.events)
  if (usage) packed.push(usage.day, usage.tokens, usage.cost)
  if (children) {
    packed.push(children.length)
    for (const child of children) packed.push(child.execution_id, child.created_at, JSON.stringify(child.entry))
  }
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
