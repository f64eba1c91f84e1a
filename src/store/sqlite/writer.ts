import { StudioError, InternalError, StorageFull, StorageUnknown, type SerializedError } from '../../errors.ts'
import type { Command } from '../store.ts'
import { kyselyOver, type SqliteConnection } from './connection.ts'

/** A command written against the connection itself: for the journal, where the cost of building a query would show. */
export interface SqliteCommand<Args, Result> {
  readonly name: string
  readonly runDirectly: (connection: SqliteConnection, args: Args) => Result
}

export type AnyCommand = Command<never, unknown> | SqliteCommand<never, unknown>

export interface WriteRequest {
  name: string
  args: unknown
}

export type WriteReply = { ok: unknown } | { error: SerializedError; cause?: string }

const SQLITE_FULL = 13
const SQLITE_IOERR = 10
/** Extended result codes carry the primary one in their low byte. */
const primaryCode = (error: unknown): number => ((error as { errcode?: number }).errcode ?? 0) & 0xff

/**
 * Group commit. All requests that are ready share one transaction and so one flush of the disk; each runs in a savepoint
 * of its own, so that its failure is its own. Nobody gets a reply before the commit.
 */
export class SqliteWriter {
  readonly #connection: SqliteConnection
  readonly #db
  readonly #commands: Map<string, AnyCommand>

  constructor(connection: SqliteConnection, commands: readonly AnyCommand[]) {
    this.#connection = connection
    this.#db = kyselyOver(connection)
    this.#commands = new Map(commands.map((command) => [command.name, command]))
    if (this.#commands.size !== commands.length) throw new Error('two commands have the same name')
  }

  /** Replies in the order of the requests. Never throws: a failure of the disk is a reply, too. */
  async commit(requests: readonly WriteRequest[]): Promise<WriteReply[]> {
    const replies: WriteReply[] = []
    try {
      this.#exec('begin immediate')
      for (const request of requests) replies.push(await this.#runInSavepoint(request))
      this.#exec('commit')
      return replies
    } catch (error) {
      if (this.#connection.raw.isTransaction) this.#exec('rollback')
      const reply = replyToFailedCommit(error)
      return requests.map(() => reply)
    }
  }

  async #runInSavepoint({ name, args }: WriteRequest): Promise<WriteReply> {
    this.#exec('savepoint request')
    try {
      const ok = await this.#run(name, args)
      this.#exec('release request')
      return { ok }
    } catch (error) {
      // A full disk has rolled back the whole transaction by itself; then the commit as a whole has failed.
      if (!this.#connection.raw.isTransaction || isDiskFailure(error)) throw error
      this.#exec('rollback to request')
      this.#exec('release request')
      return replyToError(error)
    }
  }

  #run(name: string, args: unknown): unknown {
    const command = this.#commands.get(name)
    if (!command) throw new Error(`no command is named ${name}`)
    if ('runDirectly' in command) return command.runDirectly(this.#connection, args as never)
    return command.run(this.#db, args as never)
  }

  #exec(sql: string): void {
    this.#connection.prepare(sql).run()
  }
}

function isDiskFailure(error: unknown): boolean {
  return primaryCode(error) === SQLITE_FULL || primaryCode(error) === SQLITE_IOERR
}

/** An I/O error at commit means unknown, not undone: the frames may be whole in the log and come back when it is reopened. */
function replyToFailedCommit(error: unknown): WriteReply {
  const cause = describe(error)
  if (primaryCode(error) === SQLITE_FULL) return { error: new StorageFull({}).serialize(), cause }
  if (primaryCode(error) === SQLITE_IOERR) return { error: new StorageUnknown({}).serialize(), cause }
  return { error: new InternalError({}).serialize(), cause }
}

function replyToError(error: unknown): WriteReply {
  if (error instanceof StudioError) return { error: error.serialize() }
  return { error: new InternalError({}).serialize(), cause: describe(error) }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
