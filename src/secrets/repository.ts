import { recordChange } from '../audit/repository.ts'
import { EnvironmentFull, SecretInUse, SecretNotFound } from '../errors.ts'
import { checkPrecondition, entityTag, type Precondition } from '../precondition.ts'
import type { Actor } from '../store/origin.ts'
import { defineCommand, type Db } from '../store/store.ts'
import type { SecretRow } from '../store/tables.ts'
import { activeUsers, countChange } from './reference-repository.ts'
import type { Place } from './sealing.ts'

/** Secrets of one environment. */
const MOST_SECRETS = 1_000
/** Bytes of all of them together as they are stored, which is a little more than what they are. */
const MOST_BYTES = 1_000_000

// — Queries —

export function findSecret(db: Db, { environment, name }: Place): Promise<SecretRow | undefined> {
  return db.selectFrom('secrets').selectAll().where('environment', '=', environment).where('name', '=', name).executeTakeFirst()
}

export function secretsOf(db: Db, environment: string): Promise<SecretRow[]> {
  return db.selectFrom('secrets').selectAll().where('environment', '=', environment).orderBy('name').execute()
}

export async function secretNames(db: Db, environment: string): Promise<Set<string>> {
  const rows = await db.selectFrom('secrets').select('name').where('environment', '=', environment).execute()
  return new Set(rows.map(({ name }) => name))
}

/** A secret without its value. */
export type SecretHead = Omit<SecretRow, 'sealed'>

const headColumns = ['environment', 'name', 'version', 'key_id', 'created_at', 'created_by', 'updated_at', 'updated_by'] as const

export interface SettingsPage {
  environments: readonly string[]
  q?: string | undefined
  after?: Place | undefined
  limit: number
}

/** By name, then environment. */
export function listSecrets(db: Db, { environments, q, after, limit }: SettingsPage): Promise<SecretHead[]> {
  let query = db.selectFrom('secrets').select(headColumns).where('environment', 'in', environments)
  if (q) query = query.where(({ fn, eb }) => eb(fn<number>('instr', ['name', eb.val(q.toUpperCase())]), '>', 0))
  if (after) {
    query = query.where(({ or, and, eb }) =>
      or([eb('name', '>', after.name), and([eb('name', '=', after.name), eb('environment', '>', after.environment)])]),
    )
  }
  return query.orderBy('name').orderBy('environment').limit(limit).execute()
}

/** Where all secrets of a server are, for those who go through them. */
export interface OtherKeys {
  /** Not those that are sealed with this one. */
  key_id: string
  after: Place | undefined
  limit: number
}

export function secretsUnderOtherKeys(db: Db, { key_id, after, limit }: OtherKeys): Promise<SecretRow[]> {
  let query = db.selectFrom('secrets').selectAll().where('key_id', '<>', key_id)
  if (after) {
    query = query.where(({ or, and, eb }) =>
      or([eb('environment', '>', after.environment), and([eb('environment', '=', after.environment), eb('name', '>', after.name)])]),
    )
  }
  return query.orderBy('environment').orderBy('name').limit(limit).execute()
}

/** Which keys must stay in the key file, with how many secrets each has sealed. */
export function keysInUse(db: Db): Promise<{ key_id: string; count: number }[]> {
  return db
    .selectFrom('secrets')
    .select(({ fn }) => ['key_id', fn.countAll<number>().as('count')])
    .groupBy('key_id')
    .orderBy('key_id')
    .execute()
}

export function tagOf({ version, created_at }: Pick<SecretRow, 'version' | 'created_at'>): string {
  return entityTag(version, created_at)
}

// — Commands —

export interface PutSecret extends Place {
  key_id: string
  sealed: Uint8Array
  precondition: Precondition
  now: number
}

/** @throws EnvironmentFull, PreconditionFailed */
export const putSecret = defineCommand('secrets.put', async (db, put: PutSecret, actor): Promise<SecretHead> => {
  const { environment, name, key_id, sealed, precondition, now } = put
  const before = await findSecret(db, put)
  checkPrecondition(precondition, before && tagOf(before))
  const by = nameOf(actor)
  const changed = { key_id, sealed, version: (before?.version ?? 0) + 1, updated_at: now, updated_by: by }
  if (before) {
    await db.updateTable('secrets').set(changed).where('environment', '=', environment).where('name', '=', name).execute()
  } else {
    await db
      .insertInto('secrets')
      .values({ environment, name, created_at: now, created_by: by, ...changed })
      .execute()
  }
  await refuseTooMuch(db, environment)
  await countChange(db, environment, 'secrets')
  const { sealed: _sealed, ...after } = (await findSecret(db, put))!
  await recordChange(db, actor, {
    at: now,
    action: 'secret.put',
    object: { id: `${environment}/${name}`, name, environment },
    before: before ? { version: before.version, key_id: before.key_id } : null,
    after: { version: after.version, key_id: after.key_id },
  })
  return after
})

async function refuseTooMuch(db: Db, environment: string): Promise<void> {
  const { count, bytes } = await db
    .selectFrom('secrets')
    .select(({ fn }) => [fn.countAll<number>().as('count'), fn.sum<number>(fn('length', ['sealed'])).as('bytes')])
    .where('environment', '=', environment)
    .executeTakeFirstOrThrow()
  if (count > MOST_SECRETS) throw new EnvironmentFull({ environment, what: 'secrets', most: MOST_SECRETS.toLocaleString('en') })
  if (bytes > MOST_BYTES) throw new EnvironmentFull({ environment, what: 'secrets', most: `${MOST_BYTES.toLocaleString('en')} bytes` })
}

/** Who made it, for people: the key's name, which says more than its id. */
export function nameOf({ name, key_id }: Actor): string | null {
  return name ?? (key_id === '' ? null : key_id)
}

export interface DeleteSecret extends Place {
  /** Also where active deployments use it. */
  force: boolean
  precondition: Precondition
  now: number
}

/** @throws SecretNotFound, SecretInUse, PreconditionFailed */
export const deleteSecret = defineCommand('secrets.delete', async (db, wanted: DeleteSecret, actor): Promise<void> => {
  const { environment, name, force, precondition, now } = wanted
  const before = await findSecret(db, wanted)
  if (!before) throw new SecretNotFound({ environment, name })
  checkPrecondition(precondition, tagOf(before))
  const deployments = force ? [] : await activeUsers(db, 'secrets', wanted)
  if (deployments.length > 0) throw new SecretInUse({ environment, name, deployments })
  await db.deleteFrom('secrets').where('environment', '=', environment).where('name', '=', name).execute()
  await countChange(db, environment, 'secrets')
  await recordChange(db, actor, {
    at: now,
    action: 'secret.delete',
    object: { id: `${environment}/${name}`, name, environment },
    before: { version: before.version, key_id: before.key_id },
    after: null,
  })
})

/** The same value, sealed with another key. */
export interface Resealed extends Place {
  version: number
  /** What it was sealed with. */
  old_key_id: string
  key_id: string
  sealed: Uint8Array
}

/** Leaves alone what was changed since it was read. @returns how many it changed */
export const resealSecrets = defineCommand('secrets.reseal', async (db, { secrets, now }: { secrets: Resealed[]; now: number }, actor) => {
  let changed = 0
  for (const { environment, name, version, old_key_id, key_id, sealed } of secrets) {
    const updated = await db
      .updateTable('secrets')
      .set({ key_id, sealed })
      .where('environment', '=', environment)
      .where('name', '=', name)
      .where('version', '=', version)
      .where('key_id', '=', old_key_id)
      .returning('name')
      .executeTakeFirst()
    if (!updated) continue
    changed++
    await recordChange(db, actor, {
      at: now,
      action: 'secret.rotate',
      object: { id: `${environment}/${name}`, name, environment },
      before: { key_id: old_key_id },
      after: { key_id },
    })
  }
  return changed
})

export const secretCommands = [putSecret, deleteSecret, resealSecrets]
