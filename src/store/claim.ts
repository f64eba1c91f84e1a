import type { Command } from './store.ts'

/** A request that may be sent again and must happen once: what is recorded of it, in the transaction of what it changes. */
export interface Claim {
  /** The API key that it was sent with; empty where none is needed. */
  caller: string
  method: string
  path: string
  key: string
  /** Of query and body: the same key with another one is a mistake. */
  fingerprint: string
  now: number
  /** What the change resulted in, where it happened when the request was sent before. */
  recorded?: { result: unknown }
}

/** How long a claim is kept. After that the same key is a new one. */
export const CLAIM_KEPT_MS = 24 * 60 * 60 * 1_000

/**
 * The result of a command that ran when the same request was sent before, and whose answer got lost. For those who look
 * something up first: what they would find now may be different, and the change is made.
 */
export function recordedResult<Args, Result>(_command: Command<Args, Result>, claim: Claim | undefined): Result | undefined {
  return claim?.recorded?.result as Result | undefined
}
