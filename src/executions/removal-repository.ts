import { sql, type RawBuilder } from 'kysely'
import { firstIdAt, toTimestamp } from '../clock.ts'
import { ExecutionRunning } from '../errors.ts'
import { defineCommand, type Db } from '../store/store.ts'
import { recordExecutionChange, recordSweep } from './audited.ts'
import { removeExecutions, removeUnusedDefinitions } from './definition-repository.ts'
import { getExecutionHead } from './repository.ts'

/**
 * Removing goes in two steps: without its own row an execution is gone for everybody, and what is left of it, its steps and
 * events, is removed in commands that are small whatever the execution was.
 */

/**
 * How much one command removes: a unit for each row and another one for each kilobyte. Everybody else's writes wait for it, so
 * it is two or three milliseconds, most of which is writing the pages that the rows were on.
 */
const LOAD = 500

/** Rows that are weighed at a time. */
const ROWS = 100

/** Executions with more events are not weighed but taken apart. */
const MANY_EVENTS = 1_000

/** @throws ExecutionNotFound, ExecutionRunning */
export const deleteExecution = defineCommand(
  'executions.delete',
  async (db, { execution_id, now }: { execution_id: string; now: number }, actor): Promise<void> => {
    const execution = await getExecutionHead(db, execution_id)
    const { ended_at, status, created_at, workflow_id, deployment_id, release_number: release } = execution
    if (ended_at === null) throw new ExecutionRunning({ execution_id })
    await setAside(db, execution_id)
    const times = { created_at: toTimestamp(created_at), ended_at: toTimestamp(ended_at) }
    const before = { status, workflow_id, deployment_id, release, ...times }
    await recordExecutionChange(db, actor, 'execution.delete', execution, { at: now, before, after: null })
  },
)

/** Removes some of what deletions have hidden. @returns whether there may be more */
export const purgeDeleted = defineCommand('executions.purgeDeleted', async (db): Promise<boolean> => {
  const removed = await db.selectFrom('removed_executions').select('execution_id').executeTakeFirst()
  if (removed) {
    await takeApart(db, removed.execution_id)
    return true
  }
  const purge = await db.selectFrom('purges').select('deployment_id').orderBy('requested_at').executeTakeFirst()
  if (!purge) return false
  const candidates = await candidatesIn(db)
    .where('ended_at', 'is not', null)
    .where('status', 'in', ['completed', 'failed', 'cancelled'])
    .where('deployment_id', '=', purge.deployment_id)
    .execute()
  if (candidates.length > 0) await removeSome(db, candidates)
  else if (!(await removeUnusedDefinitions(db, ROWS)))
    await db.deleteFrom('purges').where('deployment_id', '=', purge.deployment_id).execute()
  return true
})

export interface Expiry {
  /** Executions that ended before this time, in milliseconds since 1970, are removed. */
  ended_before: number
  /** Where the command before this one came to. */
  after: string
  now: number
}

/**
 * Removes some of the executions that ended too long ago, the oldest first.
 * @returns where it came to, or undefined at the end
 */
export const purgeExpired = defineCommand('executions.purgeExpired', async (db, expiry: Expiry, actor): Promise<string | undefined> => {
  // No index of the ends: it would cost each execution something, and what ended before a time began before it.
  const oldest = await candidatesIn(db)
    .select('ended_at')
    .where('execution_id', '>', expiry.after)
    .where('execution_id', '<', firstIdAt(expiry.ended_before))
    .orderBy('execution_id')
    .execute()
  const expired = oldest.filter(({ ended_at }) => ended_at !== null && ended_at < expiry.ended_before)
  if (expired.length > 0) await recordSweep(db, actor, expiry)
  const removed = expired.length === 0 ? 0 : await removeSome(db, expired)
  if (removed < expired.length) return expired[removed - 1]!.execution_id
  return oldest.length < ROWS ? undefined : oldest.at(-1)!.execution_id
})

interface Candidate {
  execution_id: string
  last_event_id: number
  load: number
}

const kilobytes = (...columns: string[]): RawBuilder<number> =>
  sql<number>`(${sql.join(
    columns.map((column) => sql`coalesce(octet_length(${sql.ref(column)}), 0)`),
    sql` + `,
  )}) / 1000`

/** What a row of each table weighs. `octet_length` reads the size and not the text. */
const loadOf = {
  executions: sql<number>`1 + ${kilobytes('request', 'remembered', 'notification', 'response', 'error')}`,
  steps: sql<number>`1 + ${kilobytes('input', 'output', 'attempts')}`,
  events: sql<number>`1 + ${kilobytes('events')}`,
  signals: sql<number>`1 + ${kilobytes('payload')}`,
}

function candidatesIn(db: Db) {
  return db
    .selectFrom('executions')
    .select(['execution_id', 'last_event_id', loadOf.executions.as('load')])
    .limit(ROWS)
}

/** Removes as many as one command may, in their order and at least one. @returns how many */
async function removeSome(db: Db, candidates: readonly Candidate[]): Promise<number> {
  const chosen = await fitting(db, candidates)
  if (chosen.length === 0) {
    await setAside(db, candidates[0]!.execution_id)
    return 1
  }
  for (const table of ['events', 'steps', 'signals', 'failure_webhooks'] as const) {
    await db.deleteFrom(table).where('execution_id', 'in', chosen).execute()
  }
  await removeExecutions(db, chosen)
  return chosen.length
}

/** The first ones, as far as they are no more than one command may remove. */
async function fitting(db: Db, candidates: readonly Candidate[]): Promise<string[]> {
  const many = candidates.findIndex(({ last_event_id }) => last_event_id > MANY_EVENTS)
  const loads = new Map(candidates.slice(0, many < 0 ? undefined : many).map(({ execution_id, load }) => [execution_id, load]))
  for (const table of ['steps', 'events', 'signals'] as const) {
    const sums = await db
      .selectFrom(table)
      .select(['execution_id', sql<number>`sum(${loadOf[table]})`.as('load')])
      .where('execution_id', 'in', [...loads.keys()])
      .groupBy('execution_id')
      .execute()
    for (const { execution_id, load } of sums) loads.set(execution_id, loads.get(execution_id)! + load)
  }
  return takeWhileRoom([...loads].map(([key, load]) => ({ key, load })))
}

/** The keys of the first rows that are together no more than one command may remove. */
function takeWhileRoom<Key>(rows: readonly { key: Key; load: number }[]): Key[] {
  let room = LOAD
  const end = rows.findIndex(({ load }) => (room -= load) < 0)
  return rows.slice(0, end < 0 ? undefined : end).map(({ key }) => key)
}

/** Removes events, then steps, then signals, then the note that there was something. */
async function takeApart(db: Db, execution_id: string): Promise<void> {
  const events = await db
    .selectFrom('events')
    .select(['first_id as key', loadOf.events.as('load')])
    .where('execution_id', '=', execution_id)
    .orderBy('first_id')
    .limit(LOAD)
    .execute()
  if (events.length > 0) {
    const last = takeWhileRoom(events).at(-1) ?? events[0]!.key
    await db.deleteFrom('events').where('execution_id', '=', execution_id).where('first_id', '<=', last).execute()
    return
  }
  const steps = await db
    .selectFrom('steps')
    .select(['step_id as key', loadOf.steps.as('load')])
    .where('execution_id', '=', execution_id)
    .orderBy('step_id')
    .limit(LOAD)
    .execute()
  if (steps.length > 0) {
    const last = takeWhileRoom(steps).at(-1) ?? steps[0]!.key
    await db.deleteFrom('steps').where('execution_id', '=', execution_id).where('step_id', '<=', last).execute()
    return
  }
  const signals = await db
    .selectFrom('signals')
    .select(['name', 'seq', loadOf.signals.as('load')])
    .where('execution_id', '=', execution_id)
    .limit(LOAD)
    .execute()
  if (signals.length > 0) {
    const keys = takeWhileRoom(signals.map(({ name, seq, load }) => ({ key: { name, seq }, load })))
    for (const { name, seq } of keys.length > 0 ? keys : [signals[0]!]) {
      await db.deleteFrom('signals').where('execution_id', '=', execution_id).where('name', '=', name).where('seq', '=', seq).execute()
    }
    return
  }
  await db.deleteFrom('removed_executions').where('execution_id', '=', execution_id).execute()
}

/** Hides an execution at once; `purgeDeleted` removes the rest. */
async function setAside(db: Db, execution_id: string): Promise<void> {
  await removeExecutions(db, [execution_id])
  await db.deleteFrom('failure_webhooks').where('execution_id', '=', execution_id).execute()
  await db.insertInto('removed_executions').values({ execution_id }).execute()
}

export const removalCommands = [deleteExecution, purgeDeleted, purgeExpired]
