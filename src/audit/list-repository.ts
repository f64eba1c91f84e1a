import { setImmediate as nextTurn } from 'node:timers/promises'
import { sql, type RawBuilder } from 'kysely'
import { isLimited, type Reach } from '../access/caller.ts'
import { within } from '../access/repository.ts'
import type { Db } from '../store/store.ts'
import type { AuditRow } from '../store/tables.ts'
import type { AuditFilter } from './filter.ts'
import type { ObjectType } from './repository.ts'

/** Where a page ends. */
export interface Position {
  at: number
  seq: number
}

export interface AuditPage {
  filter: AuditFilter
  /** Of whoever asks. */
  reach: Reach
  /** Where the page before ended. */
  after?: Position | undefined
  limit: number
}

type Condition = RawBuilder<unknown>

/** Entries that are looked at in one turn of the event loop. Some milliseconds, also where none of them is in memory. */
const TURN = 500

/**
 * Newest first. One condition, a rare one if there is one, has an index with its entries in the order of their times; that is walked in
 * turns, so that the event loop is never held for more than some milliseconds, however long the trail is.
 */
export async function listEntries(db: Db, { filter, reach, after, limit }: AuditPage): Promise<AuditRow[]> {
  const { from = -Infinity, to = Infinity } = filter
  const conditions = await indexedConditions(db, filter, withinReach(db, reach))
  const index = await rarest(db, conditions)
  const rest = [...conditions.filter((one) => one !== index), ...withinReach(db, reach)]
  const walk: Walk = { from, index: index ?? sql`1`, rest }
  const start = after && after.at < to ? after : { at: to, seq: 0 }
  return rest.length === 0 ? entriesBetween(db, walk, start, undefined, limit) : inTurns(db, walk, start, limit)
}

/** Each leads by an index of its own to entries in the order of their times. */
async function indexedConditions(db: Db, filter: AuditFilter, seen: Condition[]): Promise<Condition[]> {
  const { actor, action, object_type, object, environment } = filter
  const conditions: Condition[] = []
  if (object !== undefined) conditions.push(await eitherColumn(db, { id: sql`object_id`, name: sql`object_name` }, object, seen))
  if (actor !== undefined) conditions.push(await eitherColumn(db, { id: sql`actor_key_id`, name: sql`actor_name` }, actor, []))
  if (action !== undefined) conditions.push(sql`action = ${action}`)
  if (object_type !== undefined) conditions.push(sql`object_type = ${object_type}`)
  if (environment !== undefined) conditions.push(sql`environment = ${environment}`)
  return conditions
}

/**
 * What is no id of anything is a name.
 * @param seen what whoever asks can see: what they cannot must make no difference. All entries of an object are seen, or none.
 */
async function eitherColumn(
  db: Db,
  { id, name }: { id: Condition; name: Condition },
  value: string,
  seen: Condition[],
): Promise<Condition> {
  const first = sql`select * from audit where ${id} = ${value} limit 1`
  const { rows } = await sql`select 1 from (${first}) as audit where ${sql.join([sql`1`, ...seen], sql` and `)}`.execute(db)
  return rows.length > 0 ? sql`${id} = ${value}` : sql`${name} = ${value}`
}

/** The first that leads to so few that they are looked at in one turn; otherwise the first, the others being no better known. */
async function rarest(db: Db, conditions: readonly Condition[]): Promise<Condition | undefined> {
  if (conditions.length < 2) return conditions[0]
  for (const condition of conditions) {
    const { rows } = await sql`select 1 from audit where ${condition} limit 1 offset ${TURN}`.execute(db)
    if (rows.length === 0) return condition
  }
  return conditions[0]
}

/** What goes by no deployment's name. All else does. */
const NAMELESS: ObjectType[] = ['workflow', 'agent', 'key', 'secret', 'variable']

/**
 * Entries of a foreign environment, of deployments that are not one's own and of keys that reach further are not there. What belongs
 * to no environment is, for everybody who sees the trail.
 */
export function withinReach(db: Db, reach: Reach): Condition[] {
  const { environments, deployment_pattern } = reach
  if (!isLimited(reach)) return []
  const keys = db.selectFrom('api_keys').select('key_id').where(within(reach))
  const conditions = [sql`(object_type <> 'key' or object_id in (${keys}))`]
  if (environments) conditions.push(sql`(environment is null or environment in (${sql.join([...environments])}))`)
  if (deployment_pattern !== null) {
    conditions.push(sql`(object_type in (${sql.join(NAMELESS)}) or object_name glob ${deployment_pattern})`)
  }
  return conditions
}

interface Walk {
  from: number
  index: Condition
  rest: Condition[]
}

async function inTurns(db: Db, walk: Walk, start: Position, limit: number): Promise<AuditRow[]> {
  const found: AuditRow[] = []
  for (let position = start; ;) {
    const edge = await edgeOfTurn(db, walk, position)
    found.push(...(await entriesBetween(db, walk, position, edge, limit - found.length)))
    if (!edge || found.length >= limit) return found
    position = edge
    await nextTurn()
  }
}

/** The last entry of this turn; undefined where it is the last turn. */
async function edgeOfTurn(db: Db, { from, index }: Walk, { at, seq }: Position): Promise<Position | undefined> {
  const { rows } = await sql<Position>`
    select at, seq from audit where ${index} and at >= ${from} and (at, seq) < (${at}, ${seq})
    order by at desc, seq desc limit 1 offset ${TURN - 1}`.execute(db)
  return rows[0]
}

/** @param start without it. @param edge with it */
async function entriesBetween(
  db: Db,
  { from, index, rest }: Walk,
  start: Position,
  edge: Position | undefined,
  limit: number,
): Promise<AuditRow[]> {
  const { at, seq } = edge ?? { at: from, seq: 0 }
  // A plus keeps SQLite from another index than the one that is walked.
  const { rows } = await sql<AuditRow>`
    select * from audit where ${sql.join([index, sql`(at, seq) < (${start.at}, ${start.seq})`, sql`(at, seq) >= (${at}, ${seq})`, ...rest.map((one) => sql`+(${one})`)], sql` and `)}
    order by at desc, seq desc limit ${limit}`.execute(db)
  return rows
}
