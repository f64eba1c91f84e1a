import { sql } from 'kysely'
import type { Cancelled } from '../engine/dispatcher.ts'
import type { Attempt, AttemptError } from '../engine/journal.ts'
import { ExecutionEnded, ExecutionNotFound } from '../errors.ts'
import { defineCommand, type Db } from '../store/store.ts'
import type { EventsRow, ExecutionRow, ExecutionStatus, StepRow } from '../store/tables.ts'

export interface ExecutionFilter {
  deployment_name?: string | undefined
  environment?: string | undefined
  workflow_id?: string | undefined
  status?: ExecutionStatus | undefined
  release?: number | undefined
  session_id?: string | undefined
  from?: number | undefined
  to?: number | undefined
  /** Older than this execution. */
  before?: string | undefined
  limit: number
}

const identityColumns = ['execution_id', 'deployment_id', 'deployment_name', 'environment', 'workflow_id', 'release_number'] as const

const summaryColumns = [
  ...identityColumns,
  'status',
  'session_id',
  'user_id',
  'created_at',
  'started_at',
  'ended_at',
  'error',
  'input_tokens',
  'output_tokens',
  'demo',
] as const

export type ExecutionSummary = Pick<ExecutionRow, (typeof summaryColumns)[number]>

/** Executions of deleted deployments are hidden until they are purged. */
function visibleExecutions(db: Db) {
  return db
    .selectFrom('executions')
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('purges').select('purges.deployment_id').whereRef('purges.deployment_id', '=', 'executions.deployment_id'))),
    )
}

/** Newest first: the ids are sorted by time. */
export function listExecutions(db: Db, filter: ExecutionFilter): Promise<ExecutionSummary[]> {
  let query = visibleExecutions(db).select(summaryColumns)
  const { deployment_name, environment, before, from, to } = filter
  if (deployment_name !== undefined) {
    query = query.where('deployment_id', 'in', (eb) => {
      const named = eb.selectFrom('deployments').select('deployments.deployment_id').where('name', '=', deployment_name)
      return environment === undefined ? named : named.where('deployments.environment', '=', environment)
    })
  }
  if (environment !== undefined) query = query.where('environment', '=', environment)
  if (filter.workflow_id !== undefined) query = query.where('workflow_id', '=', filter.workflow_id)
  if (filter.status !== undefined) query = query.where('status', '=', filter.status)
  if (filter.release !== undefined) query = query.where('release_number', '=', filter.release)
  if (filter.session_id !== undefined) query = query.where('session_id', '=', filter.session_id)
  if (from !== undefined) query = query.where('created_at', '>=', from)
  if (to !== undefined) query = query.where('created_at', '<', to)
  if (before !== undefined) query = query.where('execution_id', '<', before)
  return query.orderBy('execution_id', 'desc').limit(filter.limit).execute()
}

/** @throws ExecutionNotFound */
export async function getExecution(db: Db, executionId: string): Promise<ExecutionRow> {
  const row = await visibleExecutions(db).selectAll('executions').where('execution_id', '=', executionId).executeTakeFirst()
  if (!row) throw new ExecutionNotFound({ execution_id: executionId })
  return row
}

const headColumns = [...identityColumns, 'definition_digest', 'created_at', 'ended_at', 'last_event_id'] as const

/** What an execution is, without what it was asked and answered, which may be megabytes. @throws ExecutionNotFound */
export async function getExecutionHead(db: Db, executionId: string): Promise<Pick<ExecutionRow, (typeof headColumns)[number]>> {
  const row = await visibleExecutions(db).select(headColumns).where('execution_id', '=', executionId).executeTakeFirst()
  if (!row) throw new ExecutionNotFound({ execution_id: executionId })
  return row
}

const endColumns = ['status', 'ended_at', 'response', 'error', 'demo', 'last_event_id'] as const

/** How an execution ended; undefined for one that has not, or is hidden. */
export function findExecutionEnd(db: Db, executionId: string): Promise<Pick<ExecutionRow, (typeof endColumns)[number]> | undefined> {
  return visibleExecutions(db)
    .select(endColumns)
    .where('execution_id', '=', executionId)
    .where('ended_at', 'is not', null)
    .executeTakeFirst()
}

/** In the order in which they began. */
export function listSteps(db: Db, executionId: string, page: { after: number; limit: number }): Promise<StepRow[]> {
  return db
    .selectFrom('steps')
    .selectAll()
    .where('execution_id', '=', executionId)
    .where('position', '>', page.after)
    .orderBy('position')
    .limit(page.limit)
    .execute()
}

/** The rows that hold events after `after`, at most `limit` of them, in the order of their ids. */
export function listEventRows(db: Db, executionId: string, after: number, limit: number): Promise<EventsRow[]> {
  return db
    .selectFrom('events')
    .selectAll()
    .where('execution_id', '=', executionId)
    .where('last_id', '>', after)
    .orderBy('first_id')
    .limit(limit)
    .execute()
}

/** The id of the last event that is stored of a running execution; the first is not stored, since it says nothing of its own. */
export async function lastEventId(db: Db, executionId: string): Promise<number> {
  const row = await db
    .selectFrom('events')
    .select(({ fn }) => fn.max('last_id').as('last'))
    .where('execution_id', '=', executionId)
    .executeTakeFirst()
  return row?.last ?? 1
}

/** What is recorded of a step that was running when its execution was cancelled. */
const cancelledAttempt: AttemptError = { code: 'cancelled', details: {}, message: 'The execution was cancelled during this attempt.' }

/**
 * Ends an execution as cancelled, with the steps that were running and the counters of its deployment. Whatever still
 * runs of it can record nothing any more.
 * @throws ExecutionNotFound, ExecutionEnded
 */
export const cancelExecution = defineCommand(
  'executions.cancel',
  async (db, { execution_id, now }: { execution_id: string; now: number }): Promise<Cancelled> => {
    const { status, ended_at, deployment_id } = await getExecution(db, execution_id)
    if (ended_at !== null) throw new ExecutionEnded({ execution_id, status })
    const last_event_id = (await lastEventId(db, execution_id)) + 1
    const used = await db
      .selectFrom('steps')
      .select(({ fn }) => [fn.sum<number | null>('input_tokens').as('input'), fn.sum<number | null>('output_tokens').as('output')])
      .where('execution_id', '=', execution_id)
      .executeTakeFirst()
    await db
      .updateTable('executions')
      .set({
        status: 'cancelled',
        ended_at: now,
        last_event_id,
        input_tokens: used?.input ?? 0,
        output_tokens: used?.output ?? 0,
      })
      .where('execution_id', '=', execution_id)
      .execute()
    await cancelRunningSteps(db, execution_id, now)
    await db
      .updateTable('deployment_counters')
      .set(({ eb }) => ({ execution_count: eb('execution_count', '+', 1), last_executed: now }))
      .where('deployment_id', '=', deployment_id)
      .execute()
    return { execution_id, at: now, last_event_id }
  },
)

async function cancelRunningSteps(db: Db, execution_id: string, now: number): Promise<void> {
  const steps = await db
    .selectFrom('steps')
    .select(['step_id', 'attempts'])
    .where('execution_id', '=', execution_id)
    .where('status', '=', 'running')
    .execute()
  for (const { step_id, attempts } of steps) {
    const closed = (JSON.parse(attempts) as Attempt[]).map((attempt) =>
      attempt.ended_at === null ? { ...attempt, ended_at: now, error: cancelledAttempt } : attempt,
    )
    await db
      .updateTable('steps')
      .set({ status: 'cancelled', attempts: JSON.stringify(closed) })
      .where('execution_id', '=', execution_id)
      .where('step_id', '=', step_id)
      .execute()
  }
}

/** Deletes some of what deleted deployments left. @returns whether there is more */
export const purgeSome = defineCommand('executions.purge', async (db, limit: number): Promise<boolean> => {
  const purge = await db.selectFrom('purges').select('deployment_id').orderBy('requested_at').executeTakeFirst()
  if (!purge) return false
  const rows = await db
    .selectFrom('executions')
    .select('execution_id')
    .where('deployment_id', '=', purge.deployment_id)
    .limit(limit)
    .execute()
  const ids = rows.map((row) => row.execution_id)
  if (ids.length > 0) {
    for (const table of ['events', 'steps', 'executions'] as const) await db.deleteFrom(table).where('execution_id', 'in', ids).execute()
  } else {
    await db.deleteFrom('purges').where('deployment_id', '=', purge.deployment_id).execute()
    // Definitions are shared between releases by their digest; those that no release refers to go with the last one.
    await db
      .deleteFrom('definitions')
      .where(sql<boolean>`definition_digest not in (select definition_digest from releases)`)
      .execute()
  }
  return true
})

export const executionCommands = [cancelExecution, purgeSome]
