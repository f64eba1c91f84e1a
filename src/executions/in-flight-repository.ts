import { sql, type ExpressionBuilder } from 'kysely'
import type { Cancelled } from '../engine/dispatcher.ts'
import { encodeEvents } from '../engine/event-codec.ts'
import { isWithin } from '../engine/failures.ts'
import type { Attempt, AttemptError, RecordedEvent } from '../engine/journal.ts'
import { DeploymentInactive, ExecutionEnded, ExecutionNotFailed } from '../errors.ts'
import { defineCommand, type Db } from '../store/store.ts'
import type { StepRow, Tables } from '../store/tables.ts'
import { recordExecutionChange } from './audited.ts'
import { getExecution } from './repository.ts'

/** What is done from outside to executions that are in flight, or puts them there. */

/** With a status only those that have it. */
type Which =
  | { execution_id: string }
  | { execution_ids: readonly string[] }
  | { deployment_id: string; status?: 'running'; other_than_release?: number }

function inFlight(which: Which) {
  return ({ and, eb }: ExpressionBuilder<Tables, 'executions'>) => {
    const isOpen = eb('executions.ended_at', 'is', null)
    if ('execution_id' in which) return and([eb('executions.execution_id', '=', which.execution_id), isOpen])
    if ('execution_ids' in which) return and([eb('executions.execution_id', 'in', which.execution_ids), isOpen])
    const { deployment_id, status, other_than_release: kept } = which
    return and([
      eb('executions.deployment_id', '=', deployment_id),
      isOpen,
      ...(status === undefined ? [] : [eb('executions.status', '=', status)]),
      ...(kept === undefined ? [] : [eb('executions.release_number', '<>', kept)]),
    ])
  }
}

/** What is recorded of a step that was running when its execution was cancelled. */
const cancelledAttempt: AttemptError = { code: 'cancelled', details: {}, message: 'The execution was cancelled during this attempt.' }

const cancelledColumns = [
  'executions.execution_id',
  'executions.deployment_id',
  'executions.deployment_name',
  'executions.environment',
  'executions.created_at',
  'executions.session_turn',
] as const

/**
 * Ends executions as cancelled, with the steps that were running and the counters of their deployment. Whatever still
 * runs of them can record nothing any more.
 */
export async function cancelInFlight(db: Db, which: Which, now: number): Promise<Cancelled[]> {
  const found = await db
    .selectFrom('executions')
    .leftJoin('events', 'events.execution_id', 'executions.execution_id')
    .select(({ fn }) => [...cancelledColumns, fn.max<number | null>('events.last_id').as('last')])
    .where(inFlight(which))
    .groupBy('executions.execution_id')
    .execute()
  if (found.length === 0) return []
  await cancelRunningSteps(db, which, now)
  await db
    .updateTable('executions')
    .set(({ selectFrom, exists }) => ({
      status: 'cancelled',
      ended_at: now,
      wake_at: null,
      frozen: 0,
      last_event_id: selectFrom('events')
        .select(sql<number>`coalesce(max(last_id), 1) + 1`.as('last'))
        .whereRef('events.execution_id', '=', 'executions.execution_id'),
      input_tokens: sumOfSteps('input_tokens'),
      output_tokens: sumOfSteps('output_tokens'),
      demo: exists(
        selectFrom('steps')
          .select('steps.step_id')
          .whereRef('steps.execution_id', '=', 'executions.execution_id')
          .where('steps.model', 'like', 'demo/%'),
      ) as never,
    }))
    .where(inFlight(which))
    .execute()
  const deployments = new Set(found.map(({ deployment_id }) => deployment_id))
  const newest = found.reduce((max, { execution_id }) => (execution_id > max ? execution_id : max), '')
  await db
    .updateTable('deployment_counters')
    .set(({ eb }) => ({
      execution_count: eb('execution_count', '+', found.length),
      last_executed: now,
      newest_execution_id: sql<string>`max(coalesce(newest_execution_id, ''), ${newest})`,
    }))
    .where('deployment_id', 'in', [...deployments])
    .execute()
  return found.map(({ last, ...execution }) => ({ ...execution, at: now, last_event_id: (last ?? 1) + 1 }))
}

function sumOfSteps(column: 'input_tokens' | 'output_tokens') {
  return sql<number>`(select coalesce(sum(${sql.ref(column)}), 0) from steps where steps.execution_id = executions.execution_id)`
}

async function cancelRunningSteps(db: Db, which: Which, now: number): Promise<void> {
  const steps = await db
    .selectFrom('executions')
    .innerJoin('steps', 'steps.execution_id', 'executions.execution_id')
    .select(['steps.execution_id', 'steps.step_id', 'steps.attempts'])
    .where(inFlight(which))
    .where('steps.status', '=', 'running')
    .execute()
  for (const { execution_id, step_id, attempts } of steps) {
    const closed = (JSON.parse(attempts) as Attempt[]).map((attempt) =>
      attempt.ended_at === null ? { ...attempt, ended_at: now, error: cancelledAttempt } : attempt,
    )
    await setStep(db, { execution_id, step_id }, 'cancelled', closed)
  }
}

type StepKey = Pick<StepRow, 'execution_id' | 'step_id'>

async function setStep(db: Db, { execution_id, step_id }: StepKey, status: StepRow['status'], attempts: Attempt[]): Promise<void> {
  await db
    .updateTable('steps')
    .set({ status, attempts: JSON.stringify(attempts) })
    .where('execution_id', '=', execution_id)
    .where('step_id', '=', step_id)
    .execute()
}

interface One {
  execution_id: string
  now: number
}

/** @throws ExecutionNotFound, ExecutionEnded */
export const cancelExecution = defineCommand('executions.cancel', async (db, { execution_id, now }: One, actor): Promise<Cancelled> => {
  const { status, ended_at } = await getExecution(db, execution_id)
  if (ended_at !== null) throw new ExecutionEnded({ execution_id, status })
  const [cancelled] = await cancelInFlight(db, { execution_id }, now)
  const states = { at: now, before: { status }, after: { status: 'cancelled' } }
  await recordExecutionChange(db, actor, 'execution.cancel', cancelled!, states)
  return cancelled!
})

/** Executions of this deployment rest before their next step from now on, in every later process as well. @returns their ids */
export async function freezeInFlight(db: Db, deployment_id: string): Promise<string[]> {
  const frozen = await db
    .updateTable('executions')
    .set({ frozen: 1, status: sql`case status when 'queued' then 'waiting' else status end` })
    .where(inFlight({ deployment_id }))
    .returning('execution_id')
    .execute()
  return frozen.map(({ execution_id }) => execution_id)
}

/** Those that were frozen go on. @returns their ids */
export async function thawInFlight(db: Db, deployment_id: string): Promise<string[]> {
  const thawed = await db
    .updateTable('executions')
    .set({ frozen: 0, status: sql`case status when 'waiting' then 'queued' else status end` })
    .where(inFlight({ deployment_id }))
    .where('frozen', '=', 1)
    .returning('execution_id')
    .execute()
  return thawed.map(({ execution_id }) => execution_id)
}

/**
 * Puts a failed execution in flight again, on its release: recorded steps keep their results, the failed one is tried
 * again with all its retries, and the timeout begins anew.
 * @throws ExecutionNotFound, ExecutionNotFailed, DeploymentInactive
 */
export const resumeExecution = defineCommand('executions.resume', async (db, { execution_id, now }: One, actor): Promise<void> => {
  const { status, ended_at, deployment_id, deployment_name, environment, error, last_event_id } = await getExecution(db, execution_id)
  if (status !== 'failed' || ended_at === null) throw new ExecutionNotFailed({ execution_id, status })
  const deployment = await db.selectFrom('deployments').select('status').where('deployment_id', '=', deployment_id).executeTakeFirst()
  // Stopped means stopped, by whatever way.
  if (deployment?.status === 'inactive') throw new DeploymentInactive({ name: deployment_name, environment })
  await db
    .updateTable('executions')
    .set({
      status: 'queued',
      ended_at: null,
      error: null,
      frozen: 0,
      wake_at: null,
      active_ms: 0,
      slice_started_at: null,
      last_event_id: 1,
      // Others may have had their turn since, or have it now.
      session_turn: sql`iif(session_turn is null, null, 0)`,
    })
    .where('execution_id', '=', execution_id)
    .execute()
  await db
    .updateTable('deployment_counters')
    .set(({ eb }) => ({ execution_count: eb('execution_count', '-', 1), error_count: eb('error_count', '-', 1) }))
    .where('deployment_id', '=', deployment_id)
    .execute()
  await reopenFailedSteps(db, execution_id)
  const { code, message } = JSON.parse(error!) as AttemptError
  await appendEvent(db, execution_id, { type: 'resume', id: last_event_id, at: now, failure: { code, message } })
  const states = { at: now, before: { status, error: code }, after: { status: 'queued', error: null } }
  await recordExecutionChange(db, actor, 'execution.resume', { execution_id, deployment_name, environment }, states)
})

/** Not those that another way was taken for, nor what failed within them: what was decided by that stays decided. */
async function reopenFailedSteps(db: Db, execution_id: string): Promise<void> {
  const steps = await db
    .selectFrom('steps')
    .select(['step_id', 'attempts'])
    .where('execution_id', '=', execution_id)
    .where('status', '=', 'failed')
    .execute()
  const failed = steps.map(({ step_id, attempts }) => ({ step_id, tried: JSON.parse(attempts) as Attempt[] }))
  const handled = new Set(failed.flatMap(({ step_id, tried }) => (tried.at(-1)?.handled ? [step_id] : [])))
  for (const { step_id, tried } of failed) {
    if (isWithin(step_id, handled)) continue
    const last = tried.at(-1)
    if (last) last.resumed = true
    await setStep(db, { execution_id, step_id }, 'running', tried)
  }
}

/** Takes the id that the end had, since whoever saw that end has it: the end itself is not stored, and is no longer true. */
async function appendEvent(db: Db, execution_id: string, event: RecordedEvent): Promise<void> {
  await db
    .insertInto('events')
    .values({ execution_id, first_id: event.id, last_id: event.id, events: encodeEvents([event]) })
    .execute()
}

export const inFlightCommands = [cancelExecution, resumeExecution]
