import type { EventsRow } from '../store/tables.ts'
import type { RecordedEvent } from './journal.ts'

/**
 * How the events of one flush are stored: `[at, steps, events]`. Written as they are sent, they would be two thirds of the
 * database, since events of steps repeat what the step is, and SQLite gives each row beyond a kilobyte a page of its own.
 * Ids are not stored: those of one row follow each other. Times are milliseconds after the first.
 */
type Stored = [at: number, steps: StoredStep[], events: StoredEvent[]]
type StoredStep = [id: string, kind: string, name: string, model: string | 0, demo: 0 | 1]
type StoredEvent =
  | [state: number, step: number, attempt: number, after: number]
  | [step: string, text: string, after: number]
  | [other: Record<string, unknown>, after: number]

const STATES = ['started', 'completed', 'failed']

/** @param events at least one, with ids that follow each other */
export function encodeEvents(events: readonly RecordedEvent[]): string {
  const first = events[0]!.at
  const steps = new Map<string, { index: number; stored: StoredStep }>()
  const stored = events.map((event): StoredEvent => {
    if (event.type === 'step') return encodeStep(event, event.at - first, steps)
    if (event.type === 'content') return [event['step_id'] as string, event['data'] as string, event.at - first]
    const { id: _id, at, ...other } = event
    return [other, at - first]
  })
  return JSON.stringify([first, [...steps.values()].map((step) => step.stored), stored] satisfies Stored)
}

function encodeStep(event: RecordedEvent, after: number, steps: Map<string, { index: number; stored: StoredStep }>): StoredEvent {
  const { step_id, kind, name, state, attempt, model, demo } = event as unknown as StepEvent
  let step = steps.get(step_id)
  if (!step) {
    step = { index: steps.size, stored: [step_id, kind, name, model ?? 0, demo ? 1 : 0] }
    steps.set(step_id, step)
  }
  return [STATES.indexOf(state), step.index, attempt, after]
}

interface StepEvent {
  step_id: string
  kind: string
  name: string
  state: string
  attempt: number
  model?: string
  demo?: true
}

/** Rows of version 0.1 hold the events as they are sent. */
export function decodeEvents({ first_id, events }: Pick<EventsRow, 'first_id' | 'events'>): RecordedEvent[] {
  const parsed = JSON.parse(events) as Stored | RecordedEvent[]
  if (typeof parsed[0] !== 'number') return parsed as RecordedEvent[]
  const [first, steps, stored] = parsed as Stored
  return stored.map((event, index) => decodeEvent(event, first_id + index, first, steps))
}

function decodeEvent(event: StoredEvent, id: number, first: number, steps: StoredStep[]): RecordedEvent {
  if (event.length === 2) return { ...event[0], type: event[0]['type'] as string, id, at: first + event[1] }
  if (event.length === 3) return { type: 'content', data: event[1], step_id: event[0], id, at: first + event[2] }
  const [state, step, attempt, after] = event
  const [step_id, kind, name, model, demo] = steps[step]!
  return {
    type: 'step',
    step_id,
    kind,
    name,
    state: STATES[state]!,
    attempt,
    ...(model !== 0 && { model }),
    ...(demo === 1 && { demo: true }),
    id,
    at: first + after,
  }
}
