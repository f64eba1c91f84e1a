import { Worker } from 'node:worker_threads'
import { deserializeError, StorageFull, StorageUnknown } from '../../errors.ts'
import type { Origin } from '../origin.ts'
import type { Command, Db, Store } from '../store.ts'
import { kyselyOver, SqliteConnection } from './connection.ts'
import type { WriteMeter } from '../write-meter.ts'
import type { CommitReport, SqliteCommand, WriteRequest } from './writer.ts'
import type { LargeWrite, Opening } from './writer-thread.ts'

interface Waiting {
  request: WriteRequest
  /** When it was asked for, by the monotonic clock. */
  since: number
  resolve: (result: never) => void
  reject: (error: Error) => void
}

export interface SqliteStoreOptions {
  /** Must exist and be migrated. */
  file: string
  /** The module of the writing thread, which knows every command; or that thread, where it was started ahead. */
  writer: URL | Worker
  /** Told about failures that are not in the error catalogue. */
  onFault: (cause: string) => void
  /** The thread or the disk is gone: nothing can be written any more, and what was being written is unknown. */
  onFatal: (cause: string) => void
  /** Told when a write has failed for want of room on the disk. */
  onFull?: () => void
  meter?: WriteMeter
}

/**
 * Requests that are handed over before the turn ends: after a large commit hundreds of executions go on in one turn, and the
 * writing thread would stand idle until the last of them has been answered.
 */
const EARLY = 16

/** The embedded store: queries on this thread's connection, changes on the writing thread's. */
export class SqliteStore implements Store {
  readonly read: Db
  readonly #reader: SqliteConnection
  readonly #worker: Worker
  readonly #options: SqliteStoreOptions
  #gathering: Waiting[] = []
  /** Sent and not answered, in the order of their replies. */
  readonly #sent: Waiting[] = []
  /** The same of large writes, which are answered apart. */
  readonly #large: Waiting[] = []
  #closing: Promise<void> | undefined
  #lost = false

  constructor(options: SqliteStoreOptions) {
    this.#options = options
    this.#reader = new SqliteConnection(options.file, { readOnly: true })
    this.read = kyselyOver(this.#reader)
    this.#worker = options.writer instanceof Worker ? options.writer : new Worker(options.writer)
    this.#worker.postMessage({ file: options.file } satisfies Opening)
    this.#worker.on('message', (report: CommitReport) => this.#settle(report))
    this.#worker.on('error', (error: Error) => this.#lose(error.stack ?? error.message))
    this.#worker.on('exit', () => {
      if (!this.#closing) this.#lose('the writing thread ended')
    })
  }

  write<Args, Result>(command: Command<Args, Result> | SqliteCommand<Args, Result>, args: Args, origin?: Origin): Promise<Result> {
    const recorded = origin?.claim?.recorded
    if (recorded) return Promise.resolve(recorded.result as Result)
    return this.#ask(command, args, origin, (waiting) => {
      // One message per turn of the event loop: a commit per request would be no group commit at all.
      if (this.#gathering.length === 0) setImmediate(() => this.#send())
      this.#gathering.push(waiting)
      if (this.#gathering.length === EARLY) queueMicrotask(() => this.#send())
    })
  }

  /** As `write`, of megabytes: they have a transaction of their own, and what is small is committed before and between them. */
  writeLarge<Args, Result>(command: SqliteCommand<Args, Result>, args: Args): Promise<Result> {
    return this.#ask(command, args, undefined, (waiting) => {
      this.#large.push(waiting)
      this.#worker.postMessage({ apart: waiting.request } satisfies LargeWrite)
    })
  }

  #ask<Args, Result>(
    { name }: Command<Args, Result> | SqliteCommand<Args, Result>,
    args: Args,
    origin: Origin | undefined,
    handOver: (waiting: Waiting) => void,
  ): Promise<Result> {
    if (this.#closing) return Promise.reject(new Error('the store is closed'))
    if (this.#lost) return Promise.reject(new StorageUnknown({}))
    return new Promise<Result>((resolve, reject) => {
      const request = origin ? { name, args, origin } : { name, args }
      handOver({ request, since: performance.now(), resolve, reject })
    })
  }

  /** The reading connection, for queries where building them would show. */
  get reader(): SqliteConnection {
    return this.#reader
  }

  /** Writes that were asked for and are not answered. */
  get pendingWrites(): number {
    return this.#gathering.length + this.#sent.length + this.#large.length
  }

  /** How long the oldest of them has been waiting. Milliseconds; 0 where there is none. */
  get oldestWriteMs(): number {
    const oldest = this.#sent[0] ?? this.#gathering[0]
    return oldest ? performance.now() - oldest.since : 0
  }

  #send(): void {
    const batch = this.#gathering
    if (batch.length === 0) return
    this.#gathering = []
    this.#sent.push(...batch)
    this.#worker.postMessage(batch.map((one) => one.request))
  }

  #settle({ replies, apart, durationMs }: CommitReport): void {
    if (this.#lost) return
    let fatal: string | undefined
    let isFull = false
    const answered = (apart ? this.#large : this.#sent).splice(0, replies.length)
    this.#measure(answered, durationMs)
    for (const [index, reply] of replies.entries()) {
      const waiting = answered[index]!
      if ('ok' in reply) {
        waiting.resolve(reply.ok as never)
        continue
      }
      if (reply.cause && reply.error.code !== StorageFull.code) this.#options.onFault(`${waiting.request.name}: ${reply.cause}`)
      if (reply.error.code === 'storage_unknown') fatal = reply.cause
      if (reply.error.code === 'storage_full') isFull = true
      waiting.reject(deserializeError(reply.error))
    }
    if (isFull) this.#options.onFull?.()
    if (fatal) this.#lose(fatal)
  }

  /** What was not in hand was waiting: from the request to the transaction, and back from the writing thread. */
  #measure(answered: readonly Waiting[], durationMs: number): void {
    const { meter } = this.#options
    if (!meter) return
    meter.committed(answered.length, durationMs / 1_000)
    const began = performance.now() - durationMs
    for (const { since } of answered) meter.waited((began - since) / 1_000)
  }

  /** After this nothing is written, nor said to be: a disk that failed once may only pretend to have written. */
  #lose(cause: string): void {
    if (this.#lost) return
    this.#lost = true
    const waiting = [...this.#sent.splice(0), ...this.#large.splice(0), ...this.#gathering.splice(0)]
    for (const one of waiting) one.reject(new StorageUnknown({}))
    this.#options.onFatal(cause)
  }

  /** Waits for what was handed over, and leaves one file: the connection that closes last empties the log, which a reader cannot. */
  close(): Promise<void> {
    this.#closing ??= new Promise<void>((resolve) => {
      this.#reader.close()
      this.#send()
      this.#worker.once('exit', () => resolve())
      this.#worker.postMessage('close')
      if (this.#lost) resolve()
    })
    return this.#closing
  }
}
