/** What every event of an execution carries. `id` counts from 1 within its execution, and no id ever stands for two things. */
interface EventBase {
  id: number
  execution_id: string
  deployment_name: string
  workflow_id: string
  /** RFC 3339, UTC. */
  timestamp: string
}

/** The first event, and the last. */
export type StatusEvent = EventBase &
  (
    | { type: 'status'; status: 'started'; environment?: string; release?: number }
    | { type: 'status'; status: 'completed'; response: string; demo?: boolean }
    | { type: 'status'; status: 'error'; error: string; code: string }
  )

/** A piece of the answer's text. */
export type ContentEvent = EventBase & { type: 'content'; data: string; step_id: string }

/** The last `discard` characters of the answer are void: the attempt that said them was abandoned. */
export type RetryEvent = EventBase & { type: 'retry'; step_id: string; attempt: number; discard: number }

/** Of steps, tools, approvals, handoffs, and of what later versions add. */
export type FurtherEvent = EventBase & { type: string & {}; status?: undefined; [member: string]: unknown }

export type StudioEvent = StatusEvent | ContentEvent | RetryEvent | FurtherEvent

export const isStatus = (event: StudioEvent): event is StatusEvent => event.type === 'status'
export const isContent = (event: StudioEvent): event is ContentEvent => event.type === 'content'
export const isRetry = (event: StudioEvent): event is RetryEvent => event.type === 'retry'

/** Whether nothing follows. */
export function isLast(event: StudioEvent): event is StatusEvent & { status: 'completed' | 'error' } {
  return isStatus(event) && event.status !== 'started'
}

/** What remains of the answer's text, event by event. */
export class AnswerText {
  #characters: string[] = []

  /** @returns the characters that the event made void */
  add(event: StudioEvent): string {
    // One by one: characters outside of the basic plane count as one.
    if (isContent(event)) for (const character of event.data) this.#characters.push(character)
    return isRetry(event) ? this.#characters.splice(Math.max(0, this.#characters.length - event.discard)).join('') : ''
  }

  get text(): string {
    return this.#characters.join('')
  }
}
