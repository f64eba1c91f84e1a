import { SecretKeyUnusable } from '../errors.ts'
import type { Clock } from '../clock.ts'
import type { Store } from '../store/store.ts'
import type { SecretRow } from '../store/tables.ts'
import type { KeyFile } from './key-file.ts'
import { keysInUse, resealSecrets, secretsUnderOtherKeys, type Resealed } from './repository.ts'
import type { Place, SealingKey } from './sealing.ts'
import type { Unreadable } from './vault.ts'

/** Secrets that are sealed anew in one transaction: 20 ms, in which other writes wait. */
const BATCH = 100

export interface Rotation {
  /** The first key of the file, which seals from now on. */
  key_id: string
  /** Secrets that were sealed with another key, and are with this one now. */
  rotated: number
  /** What stays as it is, since it cannot be decrypted. */
  unreadable: (Place & { key_id: string; why: Unreadable })[]
  /** Keys that something is sealed with after that: none of these may be taken out of the file. */
  keys_in_use: { key_id: string; secrets: number }[]
}

/**
 * Seals everything with the first key of the file, while a server goes on with it. What is interrupted goes on with the next
 * call: each secret is readable all the time, with one key or the other.
 * @throws SecretKeyUnusable
 */
export async function rotateSecrets({ store, clock, keys }: { store: Store; clock: Clock; keys: KeyFile }): Promise<Rotation> {
  keys.refresh()
  if (keys.problem !== undefined) throw new SecretKeyUnusable({ reason: keys.problem })
  const { first } = keys
  const unreadable: Rotation['unreadable'] = []
  let rotated = 0
  let after: Place | undefined
  for (;;) {
    const rows = await secretsUnderOtherKeys(store.read, { key_id: first.id, after, limit: BATCH })
    if (rows.length === 0) break
    const resealed = rows.map((row) => reseal(row, keys, first))
    const secrets = resealed.filter((one) => 'sealed' in one)
    unreadable.push(...resealed.filter((one) => 'why' in one))
    // What is changed meanwhile is not touched: it has another value.
    if (secrets.length > 0) rotated += await store.write(resealSecrets, { secrets, now: clock.now() })
    const { environment, name } = rows.at(-1)!
    after = { environment, name }
  }
  const inUse = await keysInUse(store.read)
  return { key_id: first.id, rotated, unreadable, keys_in_use: inUse.map(({ key_id, count }) => ({ key_id, secrets: count })) }
}

function reseal(row: SecretRow, keys: KeyFile, first: SealingKey): Resealed | Rotation['unreadable'][number] {
  const { environment, name, version, key_id } = row
  const key = keys.find(key_id)
  const value = key?.open(row.sealed, row)
  if (value === undefined) return { environment, name, key_id, why: key ? 'damaged' : 'no_key' }
  return { environment, name, version, old_key_id: key_id, key_id: first.id, sealed: first.seal(value, row) }
}
