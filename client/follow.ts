import { isLast, type StudioEvent } from './events.ts'
import { readMessages } from './event-stream.ts'
import { ServerUnreachable, StudioProblem } from './problem.ts'
import { inLowerCase, newKey, pause, waitBefore, type Question, type Retry, type Transport } from './transport.ts'

export interface FollowOptions {
  /** Begin after this event. Default 0: with the first. */
  after?: number | undefined
  signal?: AbortSignal | undefined
  /** How long to come back for more while nobody answers, in seconds. Default 300; at most 5 where nobody ever has. */
  patience?: number | undefined
  /** Told whenever the stream broke off, before it is taken up again. */
  onRetry?: ((retry: Retry) => void) | undefined
}

type Events = AsyncGenerator<StudioEvent, void, undefined>

/** The events of an execution, each once and in order, over however many connections and restarts of the server it takes. */
export function follow(transport: Transport, executionId: string, options: FollowOptions = {}): Events {
  return new Follower(transport, options).follow(() => eventsOf(executionId))
}

/** Begins an execution and gives its events. The `POST` is repeated safely until the first event names the execution. */
export function begin(transport: Transport, question: Question, options: FollowOptions = {}): Events {
  const keyed = { ...question, headers: { 'idempotency-key': newKey(), ...inLowerCase(question.headers) } }
  const follower = new Follower(transport, { ...options, after: 0 })
  return follower.follow((executionId) => (executionId === undefined || follower.mayNotRead ? keyed : eventsOf(executionId)))
}

function eventsOf(executionId: string): Question {
  return { method: 'GET', path: `/api/executions/${encodeURIComponent(executionId)}/events` }
}

/** Seconds. Who has never been there is not waited for like somebody who left. */
const FIRST_PATIENCE = 5

class Follower {
  /** A key may be allowed to execute and not to look at executions: then the same keyed POST gives the events again, from the first on. */
  mayNotRead = false
  readonly #transport: Transport
  readonly #options: FollowOptions
  #executionId: string | undefined
  #last: number
  #failures = 0
  #wasReached = false
  #failingSince: number | undefined
  /** Seconds; what the server asked for when it broke the stream off. */
  #comeBackAfter: number | undefined

  constructor(transport: Transport, options: FollowOptions) {
    this.#transport = transport
    this.#options = options
    this.#last = options.after ?? 0
  }

  async *follow(next: (executionId: string | undefined) => Question): Events {
    for (;;) {
      const question = next(this.#executionId)
      try {
        const response = await this.#transport.ask(this.#resuming(question))
        this.#wasReached = true
        if (response.status === 204) return
        for await (const event of this.#read(response)) {
          yield event
          if (isLast(event)) return
        }
      } catch (error) {
        if (!this.#mayFollowByPost(question, error)) await this.#wait(error)
        continue
      }
      await this.#wait(new ServerUnreachable(this.#transport.url, new Error('the stream broke off')))
    }
  }

  #resuming(question: Question): Question {
    const headers = question.method === 'GET' && this.#last > 0 ? { 'last-event-id': String(this.#last) } : {}
    return { ...question, headers: { ...question.headers, ...headers, accept: 'text/event-stream' }, signal: this.#options.signal }
  }

  async *#read(response: Response): Events {
    try {
      for await (const { id, data, retry } of readMessages(response.body!)) {
        if (retry !== undefined) this.#comeBackAfter = retry / 1_000
        const number = Number(id)
        // What was given before the stream broke off.
        if (data === '' || !(number > this.#last)) continue
        const event = { ...(JSON.parse(data) as StudioEvent), id: number }
        this.#last = number
        this.#executionId = event.execution_id
        this.#failures = 0
        this.#failingSince = undefined
        yield event
      }
    } catch (error) {
      if (this.#options.signal?.aborted) throw this.#options.signal.reason
      throw error instanceof SyntaxError ? error : new ServerUnreachable(this.#transport.url, error)
    }
  }

  #mayFollowByPost(question: Question, error: unknown): boolean {
    const refused = error instanceof StudioProblem && error.code === 'scope_missing' && question.method === 'GET'
    if (refused && !this.mayNotRead && this.#last > 0) return (this.mayNotRead = true)
    return false
  }

  /** @throws the error, where it makes no sense to come back */
  async #wait(error: unknown): Promise<void> {
    const { signal, onRetry } = this.#options
    const patience = Math.min(this.#options.patience ?? 300, this.#wasReached ? Number.POSITIVE_INFINITY : FIRST_PATIENCE)
    this.#failures++
    this.#failingSince ??= performance.now()
    const usual = waitBefore(error, this.#failures)
    const wait = usual === undefined ? undefined : Math.min(10, this.#comeBackAfter ?? usual)
    this.#comeBackAfter = undefined
    if (wait === undefined || performance.now() - this.#failingSince + wait * 1_000 > patience * 1_000) throw error
    onRetry?.({ reason: error as Error, wait, attempt: this.#failures })
    await pause(wait, signal)
  }
}
