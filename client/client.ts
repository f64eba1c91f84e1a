import type { StudioEvent } from './events.ts'
import { begin, follow, type FollowOptions } from './follow.ts'
import { routes, streams, type Operations, type Streams } from './operations.ts'
import { readJson, Transport, type Question, type TransportOptions } from './transport.ts'

export type Operation = keyof Operations
export type Input<Name extends Operation> = Operations[Name]['input']
export type Answer<Name extends Operation> = Operations[Name]['answer']

export interface CallOptions {
  signal?: AbortSignal | undefined
  /** Such as `If-Match`, or an `Idempotency-Key` of your own. */
  headers?: Readonly<Record<string, string>> | undefined
}

/** Only what needs no input may be called without one. */
type Arguments<Name extends Operation> =
  {} extends Input<Name> ? [input?: Input<Name>, options?: CallOptions] : [input: Input<Name>, options?: CallOptions]

interface AnyInput {
  path?: Readonly<Record<string, string | number>>
  query?: Readonly<Record<string, unknown>>
  body?: unknown
}

/** Lists whose next page is named by the one before. */
export type Listing = { [Name in Operation]: Input<Name> extends { query?: { cursor?: string } } ? Name : never }[Operation]
type Item<Name extends Listing> = Answer<Name> extends (infer One)[] ? One : never

/** Calls that begin an execution and stream its events. */
export type Beginning = Exclude<keyof Streams, 'followExecution'>

/**
 * A server of Agent Studio. Calls are repeated while it is full, stops or cannot be reached, safely; whatever is no success is
 * thrown as a `StudioError`.
 */
export class AgentStudio {
  readonly transport: Transport

  constructor(options: TransportOptions) {
    this.transport = new Transport(options)
  }

  /** One call of the API by its name in `/openapi.json`. @throws StudioProblem, ServerUnreachable */
  async call<Name extends Operation>(name: Name, ...[input, options]: Arguments<Name>): Promise<Answer<Name>> {
    const response = await this.transport.send(questionOf(routes[name], input as AnyInput | undefined, options))
    return (await readAnswer(response)) as Answer<Name>
  }

  /** As `call`, with the `ETag` of what was answered, for `If-Match`. */
  async callWithTag<Name extends Operation>(
    name: Name,
    ...[input, options]: Arguments<Name>
  ): Promise<{ answer: Answer<Name>; etag: string | null }> {
    const response = await this.transport.send(questionOf(routes[name], input as AnyInput | undefined, options))
    return { answer: (await readAnswer(response)) as Answer<Name>, etag: response.headers.get('etag') }
  }

  /** Every item of a list, page after page; the next page is asked for when its first item is. */
  list<Name extends Listing>(name: Name, input: Input<Name>, options?: CallOptions): AsyncGenerator<Item<Name>, void, undefined> {
    return this.items<Item<Name>>(questionOf(routes[name], input as AnyInput, options))
  }

  /** As `list`, of any address. */
  async *items<One>(first: Question): AsyncGenerator<One, void, undefined> {
    let question: Question | undefined = first
    while (question) {
      const response: Response = await this.transport.send(question)
      yield* (await readJson(response)) as One[]
      // RFC 8288; the server names the page by its path.
      const next: string | undefined = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get('link') ?? '')?.[1]
      question = next === undefined ? undefined : { ...question, path: next, query: undefined }
    }
  }

  /** Begins an execution and gives its events until it has ended. Leaving the loop leaves the execution running. */
  stream<Name extends Beginning>(name: Name, input: Streams[Name], options?: FollowOptions): AsyncGenerator<StudioEvent, void, undefined> {
    return begin(this.transport, questionOf(streams[name], input as AnyInput), options)
  }

  /** The events of an execution from the first one, or after one, until it has ended; none where there is nothing left. */
  follow(executionId: string, options?: FollowOptions): AsyncGenerator<StudioEvent, void, undefined> {
    return follow(this.transport, executionId, options)
  }

  /** Anything that has no name here. */
  request(question: Question): Promise<Response> {
    return this.transport.send(question)
  }
}

function questionOf(route: string, input: AnyInput = {}, { signal, headers }: CallOptions = {}): Question {
  const [method, template] = route.split(' ') as [string, string]
  const path = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => segment(String(input.path?.[name])))
  return { method, path, query: input.query, body: input.body, headers, signal }
}

/** `.` and `..`, also encoded once, would shorten the path to that of another call: nothing has such a name, so the server may say so. */
function segment(text: string): string {
  return encodeURIComponent(/^\.\.?$/.test(text) ? text.replaceAll('.', '%2E') : text)
}

async function readAnswer(response: Response): Promise<unknown> {
  if (response.status === 204) return undefined
  const type = response.headers.get('content-type') ?? ''
  return /^application\/json\b/.test(type) ? readJson(response) : response.text()
}
