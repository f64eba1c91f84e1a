import { ExecutionCancelled } from '../errors.ts'
import type { AttemptError, RecordedEvent } from './journal.ts'

export interface End {
  status: 'completed' | 'failed' | 'cancelled'
  at: number
  response: string | null
  error: Pick<AttemptError, 'code' | 'message'> | null
  demo: boolean
  last_event_id: number
}

/** The last event of an execution. It is not stored: the end of the execution says it all. */
export function endEvent({ status, at, response, error, demo, last_event_id: id }: End): RecordedEvent {
  if (status === 'completed') return { type: 'status', id, at, status: 'completed', response, ...(demo && { demo }) }
  if (!error) return cancelledEvent(id, at)
  return { type: 'status', id, at, status: 'error', error: error.message, code: error.code }
}

export function cancelledEvent(id: number, at: number): RecordedEvent {
  const { code, message } = new ExecutionCancelled({})
  return { type: 'status', id, at, status: 'error', error: message, code }
}
