import { StudioError, InternalError, StorageFull, StorageUnknown, type SerializedError } from '../../errors.ts'
import type { Claim } from '../claim.ts'
import { theServer, type Actor, type Origin } from '../origin.ts'
import type { Command } from '../store.ts'
import { recall, record } from './claims.ts'
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
  /** Absent: the server's own. */
  origin?: Origin
}

export type WriteReply = { ok: unknown } | { error: SerializedError; cause?: string }

/** What the writing thread says of each transaction. */
export interface CommitReport {
  /** In the order of the requests. */
  replies: WriteReply[]
  /** Of a large write. */
  apart: boolean
  /** Of the whole transaction, with its flush to disk. */
  durationMs: number
}

/** Each waits for as long as the connection's timeout says: a minute in all. */
const MOST_TRIES = 12
const SQLITE_BUSY = 5
const SQLITE_FULL = 13
const SQLITE_IOERR = 10
/** Extended result codes carry the primary one in their low byte. */
const primaryCode = (error: unknown): number => ((error as { errcode?: number }).errcode ?? 0) & 0xff

/**
 * Group commit. All requests that are ready share one transaction and so one flush of the disk. A request that fails must
 * not take the others along, nor leave half of itself: most fail before they change anything; when one did not, the group
 * is rolled back and run again, each request in a savepoint of its own. Not at once, because SQLite copies every page
 * that it changes after a savepoint, which was a third of what it wrote. Nobody gets a reply before the commit.
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
    try {
      const replies = (await this.#runTogether(requests)) ?? (await this.#runApart(requests))
      this.#exec('commit')
      return replies
    } catch (error) {
      if (this.#connection.raw.isTransaction) this.#exec('rollback')
      const reply = replyToFailedCommit(error)
      return requests.map(() => reply)
    }
  }

  /** Undefined when a request failed that had changed something: then nothing of the group has happened. */
  async #runTogether(requests: readonly WriteRequest[]): Promise<WriteReply[] | undefined> {
    const replies: WriteReply[] = []
    this.#begin()
    for (const request of requests) {
      const before = this.#totalChanges()
      try {
        replies.push({ ok: await this.#runRequest(request) })
      } catch (error) {
        this.#throwIfDiskFailed(error)
        if (this.#totalChanges() !== before) {
          this.#exec('rollback')
          return undefined
        }
        replies.push(replyToError(error))
      }
    }
    return replies
  }

  async #runApart(requests: readonly WriteRequest[]): Promise<WriteReply[]> {
    const replies: WriteReply[] = []
    this.#begin()
    for (const request of requests) {
      this.#exec('savepoint request')
      try {
        replies.push({ ok: await this.#runRequest(request) })
      } catch (error) {
        this.#throwIfDiskFailed(error)
        this.#exec('rollback to request')
        replies.push(replyToError(error))
      }
      this.#exec('release request')
    }
    return replies
  }

  /** Another program, such as a shell that somebody left open, may hold the database: nothing is lost by waiting for it. */
  #begin(): void {
    for (let tries = 1; ; tries++) {
      try {
        this.#exec('begin immediate')
        return
      } catch (error) {
        if (primaryCode(error) !== SQLITE_BUSY || tries === MOST_TRIES) throw error
      }
    }
  }

  /** A full disk has rolled back the whole transaction by itself; then the commit as a whole has failed. */
  #throwIfDiskFailed(error: unknown): void {
    if (!this.#connection.raw.isTransaction || isDiskFailure(error)) throw error
  }

  #totalChanges(): unknown {
    return this.#connection.prepare('select total_changes() as changes').get()!['changes']
  }

  #runRequest({ name, args, origin }: WriteRequest): unknown {
    const actor = origin?.actor ?? theServer
    return origin?.claim ? this.#runOnce(name, args, actor, origin.claim) : this.#run(name, args, actor)
  }

  /** The claim is recorded with what it stands for: both are there, or neither is. */
  async #runOnce(name: string, args: unknown, actor: Actor, claim: Claim): Promise<unknown> {
    const earlier = recall(this.#connection, claim)
    if (earlier) return earlier.result
    const result = await this.#run(name, args, actor)
    record(this.#connection, claim, { result })
    return result
  }

  #run(name: string, args: unknown, actor: Actor): unknown {
    const command = this.#commands.get(name)
    if (!command) throw new Error(`no command is named ${name}`)
    if ('runDirectly' in command) return command.runDirectly(this.#connection, args as never)
    return command.run(this.#db, args as never, actor)
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
