import { sql } from 'kysely'
import { ExecutionNotFound } from '../errors.ts'
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

const summaryColumns = [
  'execution_id',
  'deployment_id',
  'deployment_name',
  'environment',
  'workflow_id',
  'release_number',
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

const headColumns = [
  'execution_id',
  'deployment_id',
  'deployment_name',
  'environment',
  'workflow_id',
  'release_number',
  'definition_digest',
  'created_at',
  'ended_at',
  'last_event_id',
] as const

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

export const executionCommands = [purgeSome]
