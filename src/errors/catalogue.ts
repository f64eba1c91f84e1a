/** What an error of the catalogue is made of, and the catalogue itself: every file of this folder adds to it. */

/** One problem within an input: where (RFC 6901 pointer, or the name of a query parameter), which, and what to do. */
export interface Issue {
  pointer: string
  code: string
  message: string
}

/** A remark on something that was accepted all the same. */
export interface Warning {
  code: string
  message: string
  pointer?: string
}

/** What survives a thread or a database row: enough to rebuild the error on the other side. */
export interface SerializedError {
  code: string
  details: object
}

/** How it stands with a limit, for those whose requests it counts. */
export interface LimitState {
  /** Which limit it is; the same word on every answer. */
  policy: string
  /** How much it allows: in `window` seconds or, without that, at a time. */
  quota: number
  window?: number
  remaining: number
  /** Seconds until more is there; undefined where nobody knows. */
  reset?: number
}

/** Of a request that a limit refuses. */
export interface ReachedLimit {
  reached: LimitState
  /** Seconds. */
  retry_after: number
}

export abstract class StudioError extends Error {
  abstract readonly code: string
  abstract readonly status: number
  abstract readonly title: string
  /** Further members of the problem details (RFC 9457 §3.2), such as `errors` or `execution_id`. */
  readonly members: Record<string, unknown> = {}
  readonly details: object
  /** In how many seconds, as a whole number, it is worth trying again; undefined where that says nothing. */
  readonly retryAfter: number | undefined
  /** The limit that was reached. */
  readonly reached: LimitState | undefined

  constructor(message: string, details: object) {
    super(message)
    this.details = details
    const { retry_after, reached } = details as Partial<ReachedLimit>
    this.retryAfter = retry_after
    this.reached = reached
  }

  serialize(): SerializedError {
    return { code: this.code, details: this.details }
  }
}

export interface ErrorClass<D extends object> {
  new (details: D): StudioError
  readonly code: string
  readonly status: number
  readonly title: string
}

/** By code. */
export const catalogue = new Map<string, ErrorClass<never>>()

/**
 * Adds an error to the catalogue.
 * @param message a sentence that a person can act on
 * @param members which details the problem shows as members of their own
 */
export function defineError<D extends object>(
  code: string,
  status: number,
  title: string,
  message: (details: D) => string,
  members: readonly (keyof D & string)[] = [],
): ErrorClass<D> {
  const defined = class extends StudioError {
    static readonly code = code
    static readonly status = status
    static readonly title = title
    override readonly code = code
    override readonly status = status
    override readonly title = title

    constructor(details: D) {
      super(message(details), details)
      this.name = code
      for (const member of members) if (details[member] !== undefined) this.members[member] = details[member]
    }
  }
  if (catalogue.has(code)) throw new Error(`error code ${code} is defined twice`)
  catalogue.set(code, defined as unknown as ErrorClass<never>)
  return defined
}

/** What every error of a step tells. */
export interface StepFailure {
  step_id?: string
  execution_id?: string
}
