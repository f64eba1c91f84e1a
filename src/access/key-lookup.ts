import type { KeyObject } from 'node:crypto'
import type { ApiKeyRow } from '../store/tables.ts'

/** What each request asks of the keys: on the hot path, so it is answered at once, from what was committed last by whatever process. */
export interface KeyLookup {
  /** What the hashes are keyed with. */
  readonly pepper: KeyObject
  /** Whether there is a key that was not revoked. */
  anyKept(): boolean
  find(key_id: string): ApiKeyRow | undefined
}
