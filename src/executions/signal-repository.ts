import { sql } from 'kysely'
import { ApprovalDecided, ApprovalNotOpen, ExecutionEnded, InvalidInput, TooManySignals, type StudioError } from '../errors.ts'
import { approvalSignal, type Decision } from '../nodes/approval/signal.ts'
import type { Attempt } from '../engine/journal.ts'
import { defineCommand, type Db } from '../store/store.ts'
import type { Actor } from '../store/origin.ts'
import type { ExecutionRow, SignalRow, StepRow } from '../store/tables.ts'
import { recordExecutionChange } from './audited.ts'
import { getExecution } from './repository.ts'

/** Of one execution: what nobody waits for is kept until it is removed. */
const MOST_SIGNALS = 10_000

export interface SendSignal {
  execution_id: string
  name: string
  payload: unknown
  now: number
}

export interface SentSignal {
  seq: number
}

/** Sends a word to an execution. Whichever step waits for it goes on. @throws ExecutionNotFound, ExecutionEnded, TooManySignals */
export const sendSignal = defineCommand('executions.signal', async (db, signal: SendSignal, actor): Promise<SentSignal> => {
  await getInFlight(db, signal.execution_id)
  const seq = await insertSignal(db, signal, actor)
  await wake(db, signal.execution_id)
  return { seq }
})

export interface Decide extends Decision {
  execution_id: string
  /** May be left out where only one step waits for a decision. */
  step_id: string | undefined
  now: number
}

export interface Decided {
  step_id: string
}

/**
 * The first decision counts. @throws ExecutionNotFound, ExecutionEnded, ApprovalNotOpen, ApprovalDecided which says by whom,
 *   InvalidInput where several steps wait and none is named
 */
export const decideApproval = defineCommand('executions.decide', async (db, asked: Decide, actor): Promise<Decided> => {
  const { execution_id, step_id, decision, comment, now } = asked
  const execution = await getInFlight(db, execution_id)
  const { step_id: step, attempts } = await findOpen(db, execution_id, step_id)
  const name = approvalSignal(step)
  const decided = await findDecision(db, execution_id, step)
  // One that its step has taken was for an attempt before this one.
  if (decided && decided.seq > takenBy(attempts)) throw decidedBefore(step, decided)
  await insertSignal(db, { execution_id, name, payload: { decision, ...(comment !== undefined && { comment }) }, now }, actor)
  await wake(db, execution_id)
  const action = decision === 'approved' ? 'execution.approve' : 'execution.reject'
  const after = { step_id: step, ...(comment !== undefined && { comment }) }
  await recordExecutionChange(db, actor, action, execution, { at: now, before: null, after })
  return { step_id: step }
})

async function getInFlight(db: Db, execution_id: string): Promise<ExecutionRow> {
  const execution = await getExecution(db, execution_id)
  if (execution.ended_at !== null) throw new ExecutionEnded({ execution_id, status: execution.status })
  return execution
}

async function insertSignal(db: Db, { execution_id, name, payload, now }: SendSignal, { name: who, key_id }: Actor): Promise<number> {
  const { total } = await db
    .selectFrom('signals')
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .where('execution_id', '=', execution_id)
    .executeTakeFirstOrThrow()
  if (total >= MOST_SIGNALS) throw new TooManySignals({ execution_id, limit: MOST_SIGNALS })
  const { last } = await db
    .selectFrom('signals')
    .select(({ fn }) => fn.max('seq').as('last'))
    .where('execution_id', '=', execution_id)
    .where('name', '=', name)
    .executeTakeFirstOrThrow()
  const seq = ((last as number | null) ?? 0) + 1
  const sent_by = who ?? (key_id || null)
  await db
    .insertInto('signals')
    .values({ execution_id, name, seq, payload: JSON.stringify(payload), sent_at: now, sent_by })
    .execute()
  return seq
}

/** One that rests goes on in a new slice; one that is frozen only when that is over. */
async function wake(db: Db, execution_id: string): Promise<void> {
  await db
    .updateTable('executions')
    .set({ status: 'queued' })
    .where('execution_id', '=', execution_id)
    .where('status', '=', 'waiting')
    .where('frozen', '=', 0)
    .execute()
}

async function findOpen(db: Db, execution_id: string, step_id: string | undefined): Promise<Pick<StepRow, 'step_id' | 'attempts'>> {
  const steps = await db
    .selectFrom('steps')
    .select(['step_id', 'status', 'attempts'])
    .where('execution_id', '=', execution_id)
    .where('kind', '=', 'approval')
    .execute()
  const open = steps.filter(({ status }) => status === 'running')
  const asked = step_id === undefined ? open : open.filter((step) => step.step_id === step_id)
  if (asked.length === 1) return asked[0]!
  if (asked.length > 1) throw severalOpen(asked.map((step) => step.step_id))
  const ended = steps.find((step) => step_id === undefined || step.step_id === step_id)
  const signal = ended && (await findDecision(db, execution_id, ended.step_id))
  if (signal) throw decidedBefore(ended.step_id, signal)
  throw new ApprovalNotOpen({ execution_id, ...(step_id !== undefined && { step_id }) })
}

function findDecision(db: Db, execution_id: string, step_id: string): Promise<SignalRow | undefined> {
  return db
    .selectFrom('signals')
    .selectAll()
    .where('execution_id', '=', execution_id)
    .where('name', '=', approvalSignal(step_id))
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst()
}

/** How many decisions a step has taken: more than one where its execution was resumed. */
function takenBy(attempts: string): number {
  return (JSON.parse(attempts) as Attempt[]).filter(({ signalled }) => signalled !== undefined).length
}

function severalOpen(open: readonly string[]): StudioError {
  const message = `Several steps wait for a decision: ${open.join(', ')}. Say which in 'step_id'.`
  return new InvalidInput({ errors: [{ pointer: '/step_id', code: 'required', message }] })
}

function decidedBefore(step_id: string, { payload, sent_by }: SignalRow): StudioError {
  const { decision } = JSON.parse(payload) as Decision
  return new ApprovalDecided({ step_id, decision, by: sent_by })
}

export interface OpenApproval extends Pick<StepRow, 'execution_id' | 'step_id' | 'name' | 'input' | 'attempts'> {
  deployment_name: string
  environment: string
  workflow_id: string
  /** Decisions that were sent to it. */
  sent: number
}

/** What is decided and not yet looked at by its execution waits for nobody. */
export function isUndecided({ sent, attempts }: OpenApproval): boolean {
  return sent <= takenBy(attempts)
}

/** Steps that wait for a decision, those of the oldest executions first. */
export function listOpenApprovals(
  db: Db,
  page: { after: { execution_id: string; step_id: string } | undefined; limit: number },
): Promise<OpenApproval[]> {
  let query = db
    .selectFrom('steps')
    .innerJoin('executions', 'executions.execution_id', 'steps.execution_id')
    .select(['steps.execution_id', 'steps.step_id', 'steps.name', 'steps.input', 'steps.attempts'])
    .select(['executions.deployment_name', 'executions.environment', 'executions.workflow_id'])
    .select(
      sql<number>`(select count(*) from signals where signals.execution_id = steps.execution_id and signals.name = 'approval:' || steps.step_id)`.as(
        'sent',
      ),
    )
    .where('steps.kind', '=', 'approval')
    .where('steps.status', '=', 'running')
    .where('executions.ended_at', 'is', null)
  const { after } = page
  if (after) {
    query = query.where(({ or, and, eb }) =>
      or([
        eb('steps.execution_id', '>', after.execution_id),
        and([eb('steps.execution_id', '=', after.execution_id), eb('steps.step_id', '>', after.step_id)]),
      ]),
    )
  }
  return query.orderBy('steps.execution_id').orderBy('steps.step_id').limit(page.limit).execute()
}

export const signalCommands = [sendSignal, decideApproval]
