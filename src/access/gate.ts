import { timingSafeEqual } from 'node:crypto'
import { KeyInvalid, KeyMissing, TooManyFailedKeys } from '../errors.ts'
import type { ApiKeyRow } from '../store/tables.ts'
import { everybody, type Caller } from './caller.ts'
import { FailedKeys } from './failed-keys.ts'
import type { KeyLookup } from './key-lookup.ts'
import { hashKey, keyIdOf } from './key-text.ts'

export interface GateOptions {
  keys: KeyLookup
  /** Milliseconds since 1970. */
  now: () => number
  /** Whether only this machine can reach the server, so that nobody needs a key until there is one. */
  isPrivate: boolean
  /** Told that a key was used, at most once a minute for each. */
  onUse: (key_id: string, at: number) => void
}

const USE_NOTED_EVERY_MS = 60_000

/** Callers that are remembered, so that they need not be made for each request. */
const MOST_CALLERS = 1_000

/** Node reads headers of up to 16 kB; no more of them is hashed than a key may have. */
const LONGEST = 200

/** Tells by its key who sends a request. Some microseconds; nothing is remembered that a revocation would have to undo. */
export class Gate {
  readonly #options: GateOptions
  readonly #failed = new FailedKeys()
  readonly #callers = new Map<string, { row: ApiKeyRow; caller: Caller }>()
  /** When the last use of each key was noted. */
  readonly #noted = new Map<string, number>()

  constructor(options: GateOptions) {
    this.#options = options
  }

  /**
   * @param authorization the header of that name
   * @param address that the request came from
   * @throws KeyMissing, KeyInvalid, TooManyFailedKeys
   */
  identify(authorization: string | undefined, address: string): Caller {
    const key = bearer(authorization)
    const row = key === undefined ? undefined : this.#verify(key)
    if (row) {
      this.#noteUse(row)
      return this.#callerOf(row)
    }
    if (this.#isOpen()) return everybody
    if (key === undefined) throw new KeyMissing({})
    const retry_after = this.#failed.note(address)
    throw retry_after === undefined ? new KeyInvalid({}) : new TooManyFailedKeys({ retry_after })
  }

  /** Whether who was let in would be let in again: for answers that take long. */
  stillAdmits({ key_id }: Caller): boolean {
    if (key_id === '') return this.#isOpen()
    const row = this.#options.keys.find(key_id)
    return row !== undefined && this.#isGood(row)
  }

  #isOpen(): boolean {
    return this.#options.isPrivate && !this.#options.keys.anyKept()
  }

  /** The same work whether there is no such key, or its secret is wrong, or it is good no more. */
  #verify(key: string): ApiKeyRow | undefined {
    const { keys } = this.#options
    const row = keys.find(keyIdOf(key) ?? '')
    const hash = hashKey(key.slice(0, LONGEST), keys.pepper)
    const expected = row ? Buffer.from(row.hash, 'hex') : NO_HASH
    const isRight = timingSafeEqual(hash, expected)
    return isRight && row && this.#isGood(row) ? row : undefined
  }

  #isGood({ revoked_at, expires_at }: ApiKeyRow): boolean {
    return revoked_at === null && (expires_at === null || expires_at > this.#options.now())
  }

  #callerOf(row: ApiKeyRow): Caller {
    const known = this.#callers.get(row.key_id)
    if (known && isSame(known.row, row)) return known.caller
    if (this.#callers.size >= MOST_CALLERS) this.#callers.clear()
    const caller = toCaller(row)
    this.#callers.set(row.key_id, { row, caller })
    return caller
  }

  #noteUse({ key_id }: ApiKeyRow): void {
    const at = this.#options.now()
    const last = this.#noted.get(key_id)
    if (last !== undefined && Math.abs(at - last) < USE_NOTED_EVERY_MS) return
    if (this.#noted.size >= MOST_CALLERS) this.#noted.clear()
    this.#noted.set(key_id, at)
    this.#options.onUse(key_id, at)
  }
}

const NO_HASH = Buffer.alloc(32)

/** RFC 6750 §2.1, RFC 9110 §11.4: the scheme in any case. Other schemes are no key. */
function bearer(authorization: string | undefined): string | undefined {
  return authorization === undefined ? undefined : /^bearer +(\S.*)$/i.exec(authorization)?.[1]?.trimEnd()
}

/** In what can change of a key and is remembered; whether it is still good is asked each time. */
function isSame(one: ApiKeyRow, other: ApiKeyRow): boolean {
  return one.name === other.name && one.rate_limit === other.rate_limit && one.concurrency === other.concurrency
}

function toCaller({ key_id, name, scopes, environments, deployment_pattern, rate_limit, concurrency }: ApiKeyRow): Caller {
  return {
    key_id,
    name,
    scopes: new Set(JSON.parse(scopes)),
    environments: environments === null ? null : new Set(JSON.parse(environments)),
    deployment_pattern,
    limits: { rate_limit: rate_limit === null ? null : JSON.parse(rate_limit), concurrency },
  }
}
