/** What the process exits with. Documented in docs/cli.md, tested in exit-codes.test.ts, and never changed. */
export const EXIT = {
  done: 0,
  /** The answer is no: differences were found, the run failed, the server is not well, the definition is not valid. */
  no: 1,
  /** A call that makes no sense, or input that the server refuses as such. */
  usage: 2,
  notFound: 3,
  /** No key, one that is not valid, or one that may not do this. */
  signIn: 4,
  /** A stale revision, a name that is taken, a name in two environments, a state in which this cannot be done. */
  conflict: 5,
  /** Somebody has to say yes, and nobody is there to be asked. */
  confirmation: 6,
  /** The server cannot be reached, or takes nothing now. */
  unreachable: 7,
  /** The wait is over and the work goes on; its id was printed. */
  timedOut: 8,
  /** A fault of this program or of the server. */
  bug: 70,
  interrupted: 130,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

export interface FailureDetails {
  /** What a person, or the next command, should do. */
  next?: string | undefined
  requestId?: string | undefined
  executionId?: string | undefined
  errors?: readonly { pointer: string; code: string; message: string }[]
}

/** A command that ends without having done what it was asked. */
export class CommandFailed extends Error {
  readonly exit: ExitCode
  readonly code: string
  readonly details: FailureDetails

  constructor(exit: ExitCode, code: string, message: string, details: FailureDetails = {}) {
    super(message)
    this.exit = exit
    this.code = code
    this.details = details
  }
}

/** A call that makes no sense. */
export function wrongCall(message: string, next?: string): CommandFailed {
  return new CommandFailed(EXIT.usage, 'usage', message, { next })
}
