import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeKeyFile } from '../../test/support/secrets.ts'
import { removeFolder, temporaryFolder } from '../../test/support/server.ts'
import { systemClock } from '../clock.ts'
import { LocalStore } from '../store/sqlite/local-store.ts'
import { theServer, type Origin } from '../store/origin.ts'
import type { Store } from '../store/store.ts'
import { KeyFile } from './key-file.ts'
import { putSecret, secretCommands } from './repository.ts'
import { rotateSecrets } from './rotate.ts'
import { HIDDEN } from './scrubber.ts'
import { SealingKey } from './sealing.ts'
import { removeSecret, storeSecret, type SecretKeeping } from './store-secret.ts'
import { Vault, type VaultOptions } from './vault.ts'

const origin: Origin = { actor: theServer }
const oldKey = randomBytes(32)
const newKey = randomBytes(32)
const minute = 60_000

let folder: string
let store: LocalStore
let keys: KeyFile
let now: number
let reads: number
let unreadable: unknown[]
let faults: unknown[]

beforeEach(async () => {
  folder = temporaryFolder()
  store = await LocalStore.open(folder, secretCommands, { create: true })
  keys = new KeyFile(writeKeyFile(folder, [oldKey]), () => now)
  now = 0
  reads = 0
  unreadable = []
  faults = []
})
afterEach(() => {
  store.close()
  removeFolder(folder)
  if (faults.length > 0) throw new Error('there was a fault', { cause: faults[0] })
})

/** Counts how often it is asked. */
function counted(): Pick<Store, 'read'> {
  return {
    get read() {
      reads++
      return store.read
    },
  }
}

function open(options: Partial<VaultOptions> = {}): SecretKeeping & { vault: Vault } {
  const vault = new Vault({
    store: counted(),
    keys,
    alwaysHidden: [],
    now: () => now,
    onUnreadable: (one) => unreadable.push(one),
    onFault: (error) => faults.push(error),
    ...options,
  })
  return { store, clock: systemClock, vault, keys }
}

const put = (keeping: SecretKeeping, name: string, value: string, environment = 'production') =>
  storeSecret(keeping, { environment, name, value, precondition: {} }, origin)
const remove = (keeping: SecretKeeping, name: string) =>
  removeSecret(keeping, { environment: 'production', name, force: true, precondition: {} }, origin)

describe('a vault', () => {
  it('gives the value of a secret, as it is when it is asked for', async () => {
    const studio = open()
    await put(studio, 'TOKEN', 'first-value')
    expect(await studio.vault.resolve('production', 'TOKEN')).toBe('first-value')
    await put(studio, 'TOKEN', 'second-value')
    expect(await studio.vault.resolve('production', 'TOKEN')).toBe('second-value')
    expect(await studio.vault.resolveAll('production', ['TOKEN', 'TOKEN'])).toEqual({ TOKEN: 'second-value' })
    await remove(studio, 'TOKEN')
    expect(await studio.vault.find('production', 'TOKEN')).toBeUndefined()
    await expect(studio.vault.resolve('production', 'TOKEN')).rejects.toMatchObject({ code: 'secret_missing' })
  })

  it('keeps environments apart', async () => {
    const studio = open()
    await put(studio, 'TOKEN', 'production-value')
    await put(studio, 'TOKEN', 'development-value', 'development')
    expect(await studio.vault.resolve('production', 'TOKEN')).toBe('production-value')
    expect(await studio.vault.resolve('development', 'TOKEN')).toBe('development-value')
    expect(studio.vault.of('development')!.scrub('production-value development-value')).toBe(`production-value ${HIDDEN}`)
  })

  it('asks the database once a second, and not at all meanwhile', async () => {
    const studio = open()
    await put(studio, 'TOKEN', 'first-value')
    await studio.vault.resolve('production', 'TOKEN')
    const before = reads
    for (let times = 0; times < 1_000; times++) {
      expect(studio.vault.ready('production')).toBeUndefined()
      studio.vault.of('production')
      await studio.vault.resolve('production', 'TOKEN')
    }
    expect(reads).toBe(before)
    now += 1_000
    await studio.vault.ready('production')
    expect(reads).toBe(before + 1)
  })

  it('notices within a second what another process has changed', async () => {
    const studio = open()
    await put(studio, 'TOKEN', 'first-value')
    await studio.vault.resolve('production', 'TOKEN')
    const other = open()
    await put(other, 'TOKEN', 'second-value')
    now += 1_000
    expect(await studio.vault.resolve('production', 'TOKEN')).toBe('second-value')
  })

  it('gives no value that was sealed with a key that is gone, and says with which; it is there again with the key', async () => {
    const studio = open()
    await put(studio, 'TOKEN', 'first-value')
    await put(studio, 'OTHER', 'other-value')
    writeKeyFile(folder, [newKey])
    const later = open({ keys: new KeyFile(`${folder}/secret-keys`, () => now) })
    const key_id = new SealingKey(oldKey).id
    await expect(later.vault.resolve('production', 'TOKEN')).rejects.toMatchObject({
      code: 'secret_unreadable',
      message: expect.stringContaining(key_id),
    })
    expect(unreadable).toEqual([
      { environment: 'production', name: 'OTHER', key_id, why: 'no_key' },
      { environment: 'production', name: 'TOKEN', key_id, why: 'no_key' },
    ])
    writeKeyFile(folder, [newKey, oldKey])
    now += 1_000
    expect(await later.vault.resolve('production', 'TOKEN')).toBe('first-value')
  })

  it('gives no value whose row was changed or swapped with another', async () => {
    const studio = open()
    await put(studio, 'TOKEN', 'first-value')
    await put(studio, 'OTHER', 'other-value')
    const [other, token] = await store.read.selectFrom('secrets').selectAll().orderBy('name').execute()
    await store.read.updateTable('secrets').set({ sealed: token!.sealed }).where('name', '=', 'OTHER').execute()
    await store.read.updateTable('secrets').set({ sealed: other!.sealed }).where('name', '=', 'TOKEN').execute()
    const { vault } = open()
    for (const name of ['TOKEN', 'OTHER']) {
      await expect(vault.resolve('production', name)).rejects.toMatchObject({ code: 'secret_unreadable', details: { why: 'damaged' } })
    }
  })

  it('works without a key, as long as nothing is asked of it', async () => {
    const { vault, ...keeping } = open({ keys: undefined })
    expect(await vault.find('production', 'TOKEN')).toBeUndefined()
    await expect(put({ ...keeping, vault, keys: undefined }, 'TOKEN', 'first-value')).rejects.toMatchObject({
      code: 'secrets_not_configured',
    })
  })

  it('stores nothing with a key file that has become wrong, and says what is wrong with it', async () => {
    const studio = open()
    writeFileSync(`${folder}/secret-keys`, 'spoiled')
    now += 1_000
    await expect(put(studio, 'TOKEN', 'first-value')).rejects.toMatchObject({
      code: 'secret_key_unusable',
      message: expect.stringContaining('malformed in line 1'),
    })
  })
})

describe('what a vault hides', () => {
  it('are the values of the environment and the keys that are none of its secrets', async () => {
    const studio = open({ alwaysHidden: ['provider-key-1'] })
    expect(studio.vault.of('production')!.scrub('provider-key-1')).toBe(HIDDEN)
    await put(studio, 'TOKEN', 'first-value')
    await studio.vault.ready('production')
    expect(studio.vault.of('production')!.scrub('first-value provider-key-1')).toBe(`${HIDDEN} ${HIDDEN}`)
  })

  it('is nothing where there is nothing, at no cost', async () => {
    const { vault } = open()
    await vault.ready('production')
    expect(vault.of('production')).toBeUndefined()
  })

  it('is a value that was replaced or deleted for an hour still, since something may be under way with it', async () => {
    const studio = open()
    await put(studio, 'TOKEN', 'first-value')
    await put(studio, 'OTHER', 'other-value')
    await studio.vault.ready('production')
    await put(studio, 'TOKEN', 'second-value')
    await remove(studio, 'OTHER')
    const text = 'first-value second-value other-value'
    expect(studio.vault.of('production')!.scrub(text)).toBe(`${HIDDEN} ${HIDDEN} ${HIDDEN}`)
    now += 50 * minute
    studio.vault.forgetIdle()
    await studio.vault.ready('production')
    expect(studio.vault.of('production')!.scrub(text)).toBe(`${HIDDEN} ${HIDDEN} ${HIDDEN}`)
    now += 11 * minute
    await put(studio, 'THIRD', 'third-value')
    expect(studio.vault.of('production')!.scrub(text)).toBe(`first-value ${HIDDEN} other-value`)
  })

  it('is such a value also where nothing had run in its environment for long', async () => {
    const studio = open()
    await put(studio, 'TOKEN', 'first-value')
    await put(studio, 'OTHER', 'other-value')
    now += 6 * minute
    studio.vault.forgetIdle()
    await put(studio, 'TOKEN', 'second-value')
    now += 61 * minute
    studio.vault.forgetIdle()
    await remove(studio, 'OTHER')
    await studio.vault.ready('production')
    expect(studio.vault.of('production')!.scrub('second-value other-value')).toBe(`${HIDDEN} ${HIDDEN}`)
    const other = open()
    await put(other, 'TOKEN', 'third-value')
    await other.vault.ready('production')
    expect(other.vault.of('production')!.scrub('second-value third-value')).toBe(`${HIDDEN} ${HIDDEN}`)
  })

  it('is hidden in logs, whatever environment it is of', async () => {
    const studio = open({ alwaysHidden: ['provider-key-1'] })
    await put(studio, 'TOKEN', 'first-value')
    await put(studio, 'TOKEN', 'other-value', 'development')
    await studio.vault.ready('production')
    await studio.vault.ready('development')
    expect(studio.vault.scrub('{"a":"first-value","b":"other-value","c":"provider-key-1"}')).toBe(
      `{"a":"${HIDDEN}","b":"${HIDDEN}","c":"${HIDDEN}"}`,
    )
  })

  it('leaves the memory when nothing has run in its environment for five minutes', async () => {
    const studio = open()
    await put(studio, 'TOKEN', 'first-value')
    await studio.vault.ready('production')
    now += 4 * minute
    studio.vault.forgetIdle()
    expect(studio.vault.of('production')).toBeDefined()
    now += 6 * minute
    studio.vault.forgetIdle()
    expect(studio.vault.of('production')).toBeUndefined()
    expect(await studio.vault.resolve('production', 'TOKEN')).toBe('first-value')
  })
})

describe('a rotation', () => {
  const rotate = () => rotateSecrets({ store, clock: systemClock, keys })
  const keyIds = async () => new Set((await store.read.selectFrom('secrets').select('key_id').execute()).map(({ key_id }) => key_id))
  const [oldId, newId] = [new SealingKey(oldKey).id, new SealingKey(newKey).id]

  it('seals everything with the first key, and then the others are needed no more', async () => {
    const studio = open()
    for (let number = 0; number < 250; number++) await put(studio, `TOKEN_${number}`, `value-of-${number}`)
    writeKeyFile(folder, [newKey, oldKey])
    expect(await rotate()).toEqual({ key_id: newId, rotated: 250, unreadable: [], keys_in_use: [{ key_id: newId, secrets: 250 }] })
    writeKeyFile(folder, [newKey])
    const later = open({ keys: new KeyFile(`${folder}/secret-keys`, () => now) })
    for (const number of [0, 99, 100, 249]) expect(await later.vault.resolve('production', `TOKEN_${number}`)).toBe(`value-of-${number}`)
    expect(await rotate()).toMatchObject({ rotated: 0 })
  })

  it('changes no version, and gives whoever asks meanwhile the same value', async () => {
    const studio = open()
    const { version, created_at } = await put(studio, 'TOKEN', 'first-value')
    await studio.vault.resolve('production', 'TOKEN')
    writeKeyFile(folder, [newKey, oldKey])
    await rotate()
    now += 1_000
    expect(await studio.vault.resolve('production', 'TOKEN')).toBe('first-value')
    expect(await store.read.selectFrom('secrets').selectAll().executeTakeFirst()).toMatchObject({ version, created_at, key_id: newId })
  })

  it('leaves alone what was changed after it was read', async () => {
    const studio = open()
    await put(studio, 'TOKEN', 'first-value')
    writeKeyFile(folder, [newKey, oldKey])
    const racing: Store = {
      read: store.read,
      write: async (command, args, by) => {
        const sealed = new SealingKey(newKey).seal('second-value', { environment: 'production', name: 'TOKEN' })
        await store.write(putSecret, { environment: 'production', name: 'TOKEN', key_id: newId, sealed, precondition: {}, now: 1 }, origin)
        return store.write(command, args, by)
      },
    }
    expect(await rotateSecrets({ store: racing, clock: systemClock, keys })).toMatchObject({ rotated: 0 })
    expect(await open().vault.resolve('production', 'TOKEN')).toBe('second-value')
  })

  it('says what it cannot decrypt and leaves it as it is', async () => {
    const studio = open()
    await put(studio, 'TOKEN', 'first-value')
    await put(studio, 'OTHER', 'other-value')
    await store.read
      .updateTable('secrets')
      .set({ sealed: new Uint8Array(90) })
      .where('name', '=', 'OTHER')
      .execute()
    writeKeyFile(folder, [newKey])
    const lost = { environment: 'production', key_id: oldId, why: 'no_key' }
    expect(await rotate()).toEqual({
      key_id: newId,
      rotated: 0,
      unreadable: [
        { ...lost, name: 'OTHER' },
        { ...lost, name: 'TOKEN' },
      ],
      keys_in_use: [{ key_id: oldId, secrets: 2 }],
    })
    writeKeyFile(folder, [newKey, oldKey])
    expect(await rotate()).toMatchObject({ rotated: 1, unreadable: [{ ...lost, name: 'OTHER', why: 'damaged' }] })
    expect(await keyIds()).toEqual(new Set([oldId, newId]))
  })

  it('is refused with a key file that has become wrong', async () => {
    writeFileSync(`${folder}/secret-keys`, 'spoiled')
    await expect(rotate()).rejects.toMatchObject({ code: 'secret_key_unusable' })
  })
})
