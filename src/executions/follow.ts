import { toTimestamp } from '../clock.ts'
import { isTest } from '../engine/draft.ts'
import { endEvent, type End } from '../engine/end-event.ts'
import { decodeEvents } from '../engine/event-codec.ts'
import type { ExecutionIdentity, RecordedEvent } from '../engine/journal.ts'
import { formatEvent, type EventStream } from '../http/sse.ts'
import type { Studio } from '../studio.ts'
import { findExecutionEnd, getExecutionHead, listEventRows } from './repository.ts'

/** What every event of an execution carries. */
export type Followed = ExecutionIdentity & { created_at: number }

/** Event rows read at a time, when a stream is behind. */
const PAGE = 50

/**
 * Sends the events of one execution on one stream: first those of the journal, then what the hub tells. A reader that
 * is slow is behind, and a stream that is behind reads from the journal again: memory holds nothing for it.
 */
export class EventFollower {
  readonly #studio: Pick<Studio, 'store' | 'hub' | 'dispatcher'>
  readonly #stream: EventStream
  readonly #execution: Followed
  /** The id of the last event that was sent. */
  #sent: number
  #hasEnded = false
  /** An end in an error, as the hub told it. */
  #end: RecordedEvent | undefined
  /** Whether the journal is being read; what the hub tells meanwhile is found there. */
  #reading = false
  #news = false
  readonly #leave: () => void

  /** @param after the id of the last event that the client has; 0 for none */
  constructor(studio: Pick<Studio, 'store' | 'hub' | 'dispatcher'>, stream: EventStream, execution: Followed, after: number) {
    this.#studio = studio
    this.#stream = stream
    this.#execution = execution
    this.#sent = after
    this.#leave = studio.hub.listen(execution.execution_id, (events, ended) => this.#hear(events, ended))
    stream.onClose(this.#leave)
    studio.dispatcher.watch(execution.execution_id)
  }

  /** Follows an execution that was just admitted: there is nothing in the journal yet. */
  begin(): void {
    this.#send(startEvent(this.#execution))
  }

  /**
   * Catches up from the journal and goes on from there.
   * @param hasEnded whether the execution had, looked at after this follower was made
   */
  resume(hasEnded: boolean): Promise<void> {
    this.#hasEnded ||= hasEnded
    if (this.#sent === 0) this.#send(startEvent(this.#execution))
    return this.#catchUp()
  }

  #hear(events: readonly RecordedEvent[], ended: boolean): void {
    if (ended) {
      this.#hasEnded = true
      // A response is read when the client has taken all before it. That of a deleted execution is told, and nowhere else.
      const last = events.at(-1)!
      if (last['status'] === 'error') this.#end = last
    }
    if (this.#reading) {
      this.#news = true
      return
    }
    if (events[0]!.id !== this.#sent + 1 || !this.#sendAll(events)) void this.#catchUp().catch(() => this.#finish())
    else if (ended) this.#finish()
  }

  /** False when the client is slow, or gone: then the rest waits in the journal. */
  #sendAll(events: readonly RecordedEvent[]): boolean {
    return events.every((event) => this.#send(event))
  }

  #send(event: RecordedEvent): boolean {
    const { id, at, ...data } = event
    const { execution_id, deployment_name, workflow_id } = this.#execution
    this.#sent = id
    return this.#stream.write(formatEvent(id, { ...data, execution_id, deployment_name, workflow_id, timestamp: toTimestamp(at) }))
  }

  async #catchUp(): Promise<void> {
    this.#reading = true
    while (!this.#stream.isClosed) {
      this.#news = false
      const rows = await listEventRows(this.#studio.store.read, this.#execution.execution_id, this.#sent, PAGE)
      for (const row of rows) await this.#sendPatiently(decodeEvents(row))
      if (rows.length > 0 || this.#news) continue
      if (this.#hasEnded) return this.#sendEnd()
      this.#reading = false
      return
    }
  }

  async #sendEnd(): Promise<void> {
    const { store } = this.#studio
    // Read only now: the response may be megabytes, and a slow client would hold it.
    const row = this.#end ? undefined : await findExecutionEnd(store.read, this.#execution.execution_id)
    const end = row ? endEvent(endOfRow(row)) : this.#end
    if (!end && (await this.#isInFlight())) {
      // It was resumed meanwhile.
      this.#hasEnded = false
      return this.#catchUp()
    }
    if (end && end.id > this.#sent) this.#send(end)
    this.#finish()
  }

  async #isInFlight(): Promise<boolean> {
    const head = await getExecutionHead(this.#studio.store.read, this.#execution.execution_id).catch(() => undefined)
    return head?.ended_at === null
  }

  async #sendPatiently(events: RecordedEvent[]): Promise<void> {
    for (const event of events) {
      if (event.id <= this.#sent || this.#stream.isClosed) continue
      if (!this.#send(event)) await this.#stream.drain()
    }
  }

  #finish(): void {
    this.#leave()
    this.#stream.end()
  }
}

function startEvent(execution: Followed): RecordedEvent {
  const { deployment_id, environment, release_number: release, created_at: at } = execution
  const test = isTest(execution) && { test: true }
  return { type: 'status', id: 1, at, status: 'started', deployment_id, environment, release, ...test }
}

function endOfRow(row: NonNullable<Awaited<ReturnType<typeof findExecutionEnd>>>): End {
  return {
    status: row.status as End['status'],
    at: row.ended_at!,
    response: row.response,
    error: row.error === null ? null : JSON.parse(row.error),
    demo: row.demo === 1,
    last_event_id: row.last_event_id,
  }
}
