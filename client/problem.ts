/** One problem within an input: where (a JSON pointer, or `?name` of a query parameter), which, and what to do. */
export interface InputProblem {
  pointer: string
  code: string
  message: string
}

/** Problem details (RFC 9457), as the server answers whatever it does not do. */
export interface ProblemDetails {
  type: string
  title: string
  status: number
  detail: string
  code: string
  errors?: InputProblem[]
  execution_id?: string
  [member: string]: unknown
}

/** What every error of this client is. */
export abstract class StudioError extends Error {}

/** The server answered, and the answer is no. Branch on `code`, which never changes; `message` is a sentence for people. */
export class StudioProblem extends StudioError {
  readonly status: number
  readonly code: string
  readonly title: string
  /** Each problem of the input; empty where the input is not the problem. */
  readonly errors: readonly InputProblem[]
  /** The execution that this is about, if it is about one. */
  readonly executionId: string | undefined
  /** To quote when the server's log is to be searched; undefined where the server, or what is before it, gave none. */
  readonly requestId: string | undefined
  /** Seconds after which it is worth trying again. */
  readonly retryAfter: number | undefined
  /** All that was answered. */
  readonly problem: ProblemDetails

  constructor(
    problem: ProblemDetails,
    { requestId, retryAfter }: { requestId?: string | undefined; retryAfter?: number | undefined } = {},
  ) {
    super(problem.detail)
    this.name = 'StudioProblem'
    this.status = problem.status
    this.code = problem.code
    this.title = problem.title
    this.errors = problem.errors ?? []
    this.executionId = problem.execution_id
    this.requestId = requestId
    this.retryAfter = retryAfter
    this.problem = problem
  }
}

/** Nobody answered: the server does not run, or there is no way to it. What was asked may have happened, if it was not only looked at. */
export class ServerUnreachable extends StudioError {
  readonly url: string

  constructor(url: string, cause: unknown) {
    super(`No answer from ${url}: ${reasonOf(cause)}.`, { cause })
    this.name = 'ServerUnreachable'
    this.url = url
  }
}

/** Somebody answered who is not Agent Studio, such as a proxy in front of it or a wrong address. */
export class AnswerNotUnderstood extends StudioError {
  readonly status: number

  constructor(url: string, status: number, what: string) {
    super(`${url} answered ${status} with ${what}, which is no answer of Agent Studio. Is the address right?`)
    this.name = 'AnswerNotUnderstood'
    this.status = status
  }
}

/** @returns undefined for what is no problem of ours */
export function toProblem(value: unknown): ProblemDetails | undefined {
  const one = value as Partial<ProblemDetails> | null
  return typeof one === 'object' && typeof one?.code === 'string' && typeof one.detail === 'string' && typeof one.status === 'number'
    ? (one as ProblemDetails)
    : undefined
}

/** The reason at the bottom: `fetch failed` says nothing, its cause does. */
function reasonOf(error: unknown): string {
  const seen = new Set<unknown>()
  let at: unknown = error
  for (;;) {
    const next = at instanceof AggregateError ? at.errors[0] : (at as { cause?: unknown } | undefined)?.cause
    if (next === undefined || next === null || seen.has(next)) break
    seen.add(next)
    at = next
  }
  return at instanceof Error ? at.message || at.name : String(at)
}
