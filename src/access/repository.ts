import { createSecretKey } from 'node:crypto'
import { sql, type ExpressionBuilder } from 'kysely'
import { toTimestamp, toTimestampOrNull } from '../clock.ts'
import { recordChange } from '../audit/repository.ts'
import { KeyExceedsCreator, KeyInvalid, KeyNotFound, LastAdminKey, LastKey, NoAdminKey } from '../errors.ts'
import type { KeyLimits } from '../limits/rate.ts'
import { defineCommand, type Db } from '../store/store.ts'
import type { ApiKeyRow, Tables } from '../store/tables.ts'
import { everywhere, type Reach, type Scope } from './caller.ts'
import { inOrder, statusOf, type KeyStatus } from './key.ts'
import { hashKey } from './key-text.ts'
import { matchesPattern } from './name-pattern.ts'

// — Queries —

/** A key without what its secret is checked with. */
export type KeyRecord = Omit<ApiKeyRow, 'hash'>

const keyColumns = [
  'key_id',
  'name',
  'scopes',
  'environments',
  'deployment_pattern',
  'rate_limit',
  'concurrency',
  'created_at',
  'created_by',
  'expires_at',
  'last_used_at',
  'revoked_at',
] as const

/** A key reaches those that reach no further than itself. */
export function within({ environments, deployment_pattern }: Reach) {
  return ({ and, eb }: ExpressionBuilder<Tables, 'api_keys'>) => {
    const conditions = []
    if (environments !== null) {
      const others = sql`select 1 from json_each(api_keys.environments) where value not in (${sql.join([...environments])})`
      conditions.push(eb('environments', 'is not', null), sql<boolean>`not exists (${others})`)
    }
    // A star of the narrower pattern is matched by a star alone.
    if (deployment_pattern !== null) conditions.push(sql<boolean>`deployment_pattern glob ${deployment_pattern}`)
    return and(conditions)
  }
}

export interface KeyFilter {
  status?: KeyStatus | undefined
  after?: { created_at: number; key_id: string } | undefined
  limit?: number
  now: number
}

/** Newest first. */
export function listKeys(db: Db, reach: Reach, { status, after, limit, now }: KeyFilter): Promise<KeyRecord[]> {
  let query = db.selectFrom('api_keys').select(keyColumns).where(within(reach))
  if (status === 'revoked') query = query.where('revoked_at', 'is not', null)
  if (status === 'expired') query = query.where('revoked_at', 'is', null).where('expires_at', '<=', now)
  if (status === 'active') {
    query = query.where('revoked_at', 'is', null).where(({ or, eb }) => or([eb('expires_at', 'is', null), eb('expires_at', '>', now)]))
  }
  if (after) {
    query = query.where(({ or, and, eb }) =>
      or([eb('created_at', '<', after.created_at), and([eb('created_at', '=', after.created_at), eb('key_id', '<', after.key_id)])]),
    )
  }
  if (limit !== undefined) query = query.limit(limit)
  return query.orderBy('created_at', 'desc').orderBy('key_id', 'desc').execute()
}

/** @throws KeyNotFound, also for one that reaches further */
export async function getKey(db: Db, reach: Reach, keyId: string): Promise<KeyRecord> {
  const row = await db.selectFrom('api_keys').select(keyColumns).where('key_id', '=', keyId).where(within(reach)).executeTakeFirst()
  if (!row) throw new KeyNotFound({ key_id: keyId })
  return row
}

/** What people call a key, be it revoked or not; null where it is not known. */
export async function findKeyName(db: Db, keyId: string): Promise<string | null> {
  const row = await db.selectFrom('api_keys').select('name').where('key_id', '=', keyId).executeTakeFirst()
  return row?.name ?? null
}

/** Whether there is a key that was not revoked, so that whoever calls the server needs one. @param except one that does not count */
export async function anyKeyKept(db: Db, except = ''): Promise<boolean> {
  const kept = db.selectFrom('api_keys').select('key_id').where('revoked_at', 'is', null).where('key_id', '<>', except)
  return (await kept.limit(1).executeTakeFirst()) !== undefined
}

/** Whether there is a key that may manage all keys and do everything else. @param except one that does not count */
export async function isAdministered(db: Db, now: number, except = ''): Promise<boolean> {
  const active = await listKeys(db, everywhere, { status: 'active', now })
  return active.some((record) => record.key_id !== except && administers(record))
}

function administers({ scopes, environments, deployment_pattern }: KeyRecord): boolean {
  return environments === null && deployment_pattern === null && (JSON.parse(scopes) as Scope[]).includes('admin')
}

// — Commands —

export interface NewKey {
  key_id: string
  /** The whole of it, to be hashed. It is stored nowhere. */
  key: string
  name: string
  scopes: readonly Scope[]
  /** Of this and the next two: undefined for as much as whoever makes it has. */
  environments: readonly string[] | undefined
  deployment_pattern: string | undefined
  expires_at: number | undefined
  limits: KeyLimits
  /** Whether the first key must be one that can manage keys: for those who could otherwise do nothing about it. */
  must_leave_admin: boolean
  now: number
}

/**
 * Makes a key, which may do no more than the one that it is made with.
 * @throws KeyExceedsCreator, NoAdminKey, KeyInvalid where the one that it is made with was revoked meanwhile
 */
export const createKey = defineCommand('access.createKey', async (db, wanted: NewKey, actor): Promise<KeyRecord> => {
  const { key_id, key, name, scopes, limits, now } = wanted
  const record: KeyRecord = {
    key_id,
    name,
    scopes: JSON.stringify(inOrder(scopes)),
    ...boundsOf(wanted, await findCreator(db, actor.key_id, now)),
    rate_limit: toJson(limits.rate_limit),
    concurrency: limits.concurrency,
    created_at: now,
    created_by: actor.key_id === '' ? null : actor.key_id,
    last_used_at: null,
    revoked_at: null,
  }
  if (wanted.must_leave_admin && !administers(record) && !(await anyKeyKept(db))) throw new NoAdminKey({})
  await db
    .insertInto('api_keys')
    .values({ ...record, hash: await hashOf(db, key) })
    .execute()
  await recordChange(db, actor, { at: now, action: 'key.create', object: { id: key_id, name }, before: null, after: audited(record) })
  return record
})

async function findCreator(db: Db, keyId: string, now: number): Promise<ApiKeyRow | undefined> {
  if (keyId === '') return undefined
  const row = await db.selectFrom('api_keys').selectAll().where('key_id', '=', keyId).executeTakeFirst()
  if (!row || statusOf(row, now) !== 'active') throw new KeyInvalid({})
  return row
}

async function hashOf(db: Db, key: string): Promise<string> {
  const { value } = await db.selectFrom('meta').select('value').where('key', '=', 'api_key_pepper').executeTakeFirstOrThrow()
  return hashKey(key, createSecretKey(value, 'base64')).toString('hex')
}

type Bounds = Pick<ApiKeyRow, 'environments' | 'deployment_pattern' | 'expires_at'>

/** What is not said is as it is for the creator, and what is said may be no more. */
function boundsOf(wanted: NewKey, creator: ApiKeyRow | undefined): Bounds {
  const environments = wanted.environments && JSON.stringify([...new Set(wanted.environments)])
  if (creator) refuseMore(wanted, creator)
  return {
    environments: environments ?? creator?.environments ?? null,
    deployment_pattern: wanted.deployment_pattern ?? creator?.deployment_pattern ?? null,
    expires_at: wanted.expires_at ?? creator?.expires_at ?? null,
  }
}

function refuseMore(wanted: NewKey, { environments, deployment_pattern, expires_at }: ApiKeyRow): void {
  const own: string[] | null = environments === null ? null : JSON.parse(environments)
  if (own && wanted.environments?.some((one) => !own.includes(one))) {
    throw new KeyExceedsCreator({ field: 'environments', limit: own.join(', ') })
  }
  // A star of what is wanted is matched by a star alone.
  if (deployment_pattern !== null && !matchesPattern(deployment_pattern, wanted.deployment_pattern ?? deployment_pattern)) {
    throw new KeyExceedsCreator({ field: 'deployment_pattern', limit: deployment_pattern })
  }
  if (expires_at !== null && (wanted.expires_at ?? expires_at) > expires_at) {
    throw new KeyExceedsCreator({ field: 'expires_at', limit: toTimestamp(expires_at) })
  }
}

function toJson(limit: KeyLimits['rate_limit']): string | null {
  return limit && JSON.stringify(limit)
}

export interface KeyChange {
  key_id: string
  reach: Reach
  changes: { name?: string } & Partial<KeyLimits>
  now: number
}

/** Changes what does not make a key more powerful than it was made. It holds from the next request on. @throws KeyNotFound */
export const changeKey = defineCommand(
  'access.changeKey',
  async (db, { key_id, reach, changes, now }: KeyChange, actor): Promise<KeyRecord> => {
    const before = await getKey(db, reach, key_id)
    const { name, rate_limit, concurrency } = changes
    const columns = {
      ...(name !== undefined && { name }),
      ...(rate_limit !== undefined && { rate_limit: toJson(rate_limit) }),
      ...(concurrency !== undefined && { concurrency }),
    }
    if (Object.keys(columns).length === 0) return before
    await db.updateTable('api_keys').set(columns).where('key_id', '=', key_id).execute()
    const after = { ...before, ...columns }
    const object = { id: key_id, name: after.name }
    await recordChange(db, actor, { at: now, action: 'key.update', object, before: audited(before), after: audited(after) })
    return after
  },
)

export interface Revocation {
  key_id: string
  reach: Reach
  /**
   * What must be left: a key that can administer the server, for those who could do nothing about it; any key, so that the server
   * does not open itself to whoever reaches it; or nothing.
   */
  must_leave: 'admin' | 'any' | 'nothing'
  now: number
}

/**
 * From its commit on the key is good for nothing. One that was revoked before stays as it is.
 * @throws KeyNotFound, LastAdminKey, LastKey
 */
export const revokeKey = defineCommand(
  'access.revokeKey',
  async (db, { key_id, reach, must_leave, now }: Revocation, actor): Promise<KeyRecord> => {
    const before = await getKey(db, reach, key_id)
    if (before.revoked_at !== null) return before
    if (must_leave === 'admin' && administers(before) && !(await isAdministered(db, now, key_id))) throw new LastAdminKey({ key_id })
    if (must_leave !== 'nothing' && !(await anyKeyKept(db, key_id))) throw new LastKey({ key_id })
    const { name } = before
    const after = { ...before, revoked_at: now }
    await db.updateTable('api_keys').set({ revoked_at: now }).where('key_id', '=', key_id).execute()
    await recordChange(db, actor, {
      at: now,
      action: 'key.revoke',
      object: { id: key_id, name },
      before: audited(before),
      after: audited(after),
    })
    return after
  },
)

/** What the trail says of a key. When it was used is no change of it. */
function audited(record: KeyRecord): Record<string, unknown> {
  const { name, scopes, environments, deployment_pattern, rate_limit, concurrency, expires_at, revoked_at } = record
  return {
    name,
    scopes: JSON.parse(scopes),
    environments: environments === null ? null : JSON.parse(environments),
    deployment_pattern,
    rate_limit: rate_limit === null ? null : JSON.parse(rate_limit),
    concurrency,
    expires_at: toTimestampOrNull(expires_at),
    revoked_at: toTimestampOrNull(revoked_at),
  }
}

/** Not for the trail: that a key was used is in what was done with it. */
export const noteKeyUse = defineCommand('access.noteUse', async (db, { key_id, at }: { key_id: string; at: number }): Promise<void> => {
  await db.updateTable('api_keys').set({ last_used_at: at }).where('key_id', '=', key_id).execute()
})

export const accessCommands = [createKey, changeKey, revokeKey, noteKeyUse]
