import { SecretKeyUnusable, SecretsNotConfigured, type Issue } from '../errors.ts'
import type { Clock } from '../clock.ts'
import type { Precondition } from '../precondition.ts'
import type { Origin } from '../store/origin.ts'
import type { Store } from '../store/store.ts'
import { LEAST_LENGTH } from './forms.ts'
import { KeyFileUnusable, type KeyFile } from './key-file.ts'
import { deleteSecret, putSecret, type SecretHead } from './repository.ts'
import type { Place, SealingKey } from './sealing.ts'
import type { Vault } from './vault.ts'

/** Bytes of a value in UTF-8: a chain of certificates, or the key file of a cloud provider, has a quarter of it. */
export const MOST_VALUE_BYTES = 32_768

/** What changes secrets. */
export interface SecretKeeping {
  store: Store
  clock: Clock
  vault: Vault
  /** Undefined where the server was given none. */
  keys: KeyFile | undefined
}

/** @throws SecretsNotConfigured */
export function keysOf({ keys }: Pick<SecretKeeping, 'keys'>): KeyFile {
  if (!keys) throw new SecretsNotConfigured({})
  return keys
}

/** What is wrong with a value; never a word of it. */
export function checkValue(value: unknown): Issue[] {
  if (typeof value !== 'string') return []
  const wrong = (code: string, message: string): Issue[] => [{ pointer: '/value', code, message }]
  if (value.trim().length < LEAST_LENGTH) {
    const why = `A secret has at least ${LEAST_LENGTH} characters besides spaces around it: what is shorter could not be told from ordinary text and hidden.`
    return wrong('too_short', why)
  }
  if (Buffer.byteLength(value) > MOST_VALUE_BYTES) return wrong('too_long', `A secret has at most ${MOST_VALUE_BYTES} bytes in UTF-8.`)
  return []
}

export interface NewValue extends Place {
  value: string
  precondition: Precondition
}

/**
 * Stores a value, in the place of the one before. Once it has resolved, the next use gets it.
 * @throws SecretsNotConfigured, SecretKeyUnusable, EnvironmentFull, PreconditionFailed
 */
export async function storeSecret(keeping: SecretKeeping, { value, ...put }: NewValue, origin: Origin): Promise<SecretHead> {
  const key = firstOf(keysOf(keeping))
  const sealed = key.seal(value, put)
  const { store, clock, vault } = keeping
  // The value of before is hidden for a while, by somebody who knows it.
  await vault.ready(put.environment)
  const stored = await store.write(putSecret, { ...put, key_id: key.id, sealed, now: clock.now() }, origin)
  await vault.changed(put.environment)
  return stored
}

function firstOf(keys: KeyFile): SealingKey {
  try {
    return keys.first
  } catch (error) {
    throw error instanceof KeyFileUnusable ? new SecretKeyUnusable({ reason: error.message }) : error
  }
}

/** @throws SecretsNotConfigured, SecretNotFound, SecretInUse, PreconditionFailed */
export async function removeSecret(
  keeping: SecretKeeping,
  wanted: Place & { force: boolean; precondition: Precondition },
  origin: Origin,
): Promise<void> {
  keysOf(keeping)
  const { store, clock, vault } = keeping
  await vault.ready(wanted.environment)
  await store.write(deleteSecret, { ...wanted, now: clock.now() }, origin)
  await vault.changed(wanted.environment)
}
