import { sql } from 'kysely'
import { ExecutionNotFound } from '../errors.ts'
import type { Db } from '../store/store.ts'
import type { EventsRow, ExecutionRow, StepRow } from '../store/tables.ts'

const identityColumns = ['execution_id', 'deployment_id', 'deployment_name', 'environment', 'workflow_id', 'release_number'] as const

/** Executions of deleted deployments are hidden until they are purged. */
function visibleExecutions(db: Db) {
  return db
    .selectFrom('executions')
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('purges').select('purges.deployment_id').whereRef('purges.deployment_id', '=', 'executions.deployment_id'))),
    )
}

/** @throws ExecutionNotFound */
export async function getExecution(db: Db, executionId: string): Promise<ExecutionRow> {
  const row = await visibleExecutions(db).selectAll('executions').where('execution_id', '=', executionId).executeTakeFirst()
  if (!row) throw new ExecutionNotFound({ execution_id: executionId })
  return row
}

const headColumns = [...identityColumns, 'definition_digest', 'status', 'created_at', 'ended_at', 'last_event_id'] as const

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

/** What its steps cost so far, in US dollars; null where that of one is not known. */
export async function costOfExecution(db: Db, execution_id: string): Promise<number | null> {
  const { known, unknown } = await db
    .selectFrom('steps')
    .select(({ fn }) => [
      fn.sum<number | null>('cost').as('known'),
      fn
        .countAll<number>()
        .filterWhere(sql<boolean>`cost is null and model not like 'demo/%'`)
        .as('unknown'),
    ])
    .where('execution_id', '=', execution_id)
    .where('input_tokens', 'is not', null)
    .executeTakeFirstOrThrow()
  return unknown > 0 ? null : (known ?? 0)
}
