import type { Kysely } from 'kysely'
import type { Actor, Origin } from './origin.ts'
import type { Tables } from './tables.ts'

export type Db = Kysely<Tables>

/**
 * One change of state: it runs as one transaction of its own and either happens whole or not at all. What it throws
 * from the error catalogue reaches the caller as it is. It waits for nothing but the database, and takes time and ids
 * from its arguments. `actor` is who makes the change, for the trail.
 */
export interface Command<Args, Result> {
  readonly name: string
  readonly run: (db: Db, args: Args, actor: Actor) => Promise<Result>
}

export function defineCommand<Args, Result>(
  name: string,
  run: (db: Db, args: Args, actor: Actor) => Promise<Result>,
): Command<Args, Result> {
  return { name, run }
}

/** The database as the features see it: queries at once, changes one command at a time. */
export interface Store {
  /** For queries only. It sees every write that was answered. */
  readonly read: Db
  /**
   * Resolves when the change is committed and safe on disk. Without an origin it is the server's own. With a claim it happens once: the claim is recorded in the same
   * transaction, with the result, and whoever comes with it again gets that result. What throws records nothing.
   * @throws IdempotencyKeyReused, IdempotencyInProgress for a claim that something else was recorded of
   */
  write<Args, Result>(command: Command<Args, Result>, args: Args, origin?: Origin): Promise<Result>
}
