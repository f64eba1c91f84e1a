import { sql } from 'kysely'
import { toTimestamp } from '../clock.ts'
import type { Cancelled } from '../engine/dispatcher.ts'
import { DeploymentNotFound } from '../errors.ts'
import { cancelInFlight, freezeInFlight, thawInFlight } from '../executions/in-flight-repository.ts'
import { defineCommand, type Db } from '../store/store.ts'
import type { DeploymentRow, DeploymentStopRow } from '../store/tables.ts'
import { counts, recordDeploymentChange } from './audited.ts'
import { findDeployments, type NamedDeployment } from './repository.ts'

/** How deployments are stopped, and what becomes of what is in flight then. */

/** The executions in flight end by themselves, are cancelled, or rest until the deployment is reactivated. */
export type StopMode = DeploymentStopRow['mode']

export interface Stop extends NamedDeployment {
  /** Undefined: as `drain` for one that is active or where there is a deadline, and otherwise nothing. */
  mode: StopMode | undefined
  /** Seconds from now. What a drain has left by then is cancelled, and of a freeze what still runs. */
  deadline?: number | undefined
}

export interface StoppedDeployment {
  deployment: DeploymentRow
  stop: DeploymentStopRow
  cancelled: Cancelled[]
  frozen: string[]
  /** The executions that were frozen and go on, to end by themselves. */
  thawed: string[]
}

/** Undefined for one that serves, or was stopped before stops were kept. */
export function findStop(db: Db, deploymentId: string): Promise<DeploymentStopRow | undefined> {
  return db.selectFrom('deployment_stops').selectAll().where('deployment_id', '=', deploymentId).executeTakeFirst()
}

/**
 * Stops the first that is active; where none is, it leaves the first as it is, and does what the mode says to those that
 * are still in flight there. Its deadline takes the place of the one before.
 * @throws DeploymentNotFound
 */
export const stopDeployment = defineCommand(
  'deployments.stop',
  async (db, { name, environments, mode: asked, deadline, now }: Stop, actor): Promise<StoppedDeployment> => {
    const found = await findDeployments(db, name, environments)
    const first = found.find((one) => one.status === 'active') ?? found[0]
    if (!first) throw new DeploymentNotFound({ name, searched: [...environments] })
    const { deployment_id } = first
    const isActive = first.status === 'active'
    const mode = asked ?? (isActive || deadline !== undefined ? 'drain' : undefined)
    const before = await findStop(db, deployment_id)
    if (!mode) return { deployment: first, stop: before ?? stopOf(first), cancelled: [], frozen: [], thawed: [] }

    const deployment = isActive ? await setInactive(db, deployment_id, now) : first
    const cancelled = mode === 'cancel' ? await cancelInFlight(db, { deployment_id }, now) : []
    const frozen = mode === 'freeze' ? await freezeInFlight(db, deployment_id) : []
    const thawed = mode === 'drain' ? await thawInFlight(db, deployment_id) : []
    const deadline_at = deadline === undefined ? null : now + deadline * 1_000
    const affected = counts({ cancelled, frozen, thawed })
    // Another mode makes a difference only to what is in flight.
    const isOther = isActive || (before?.deadline_at ?? null) !== deadline_at || Object.keys(affected).length > 0
    if (!isOther) return { deployment, stop: before ?? stopOf(first), cancelled, frozen, thawed }

    const stop = { deployment_id, mode, since: now, deadline_at, deadline_passed_at: null, cancelled: cancelled.length }
    await keepStop(db, stop)
    const states = { before: { status: first.status, ...shownOf(before) }, after: { status: 'inactive', ...shownOf(stop), ...affected } }
    await recordDeploymentChange(db, actor, 'deployment.stop', first, { at: now, ...states })
    return { deployment, stop, cancelled, frozen, thawed }
  },
)

/** What is known of a stop from before stops were kept. */
export function stopOf({ deployment_id, stopped_at }: DeploymentRow): DeploymentStopRow {
  return { deployment_id, mode: 'drain', since: stopped_at ?? 0, deadline_at: null, deadline_passed_at: null, cancelled: 0 }
}

function shownOf(stop: DeploymentStopRow | undefined) {
  return stop && { mode: stop.mode, ...(stop.deadline_at !== null && { deadline: toTimestamp(stop.deadline_at) }) }
}

function setInactive(db: Db, deploymentId: string, now: number): Promise<DeploymentRow> {
  return db
    .updateTable('deployments')
    .set({ status: 'inactive', stopped_at: now })
    .where('deployment_id', '=', deploymentId)
    .returningAll()
    .executeTakeFirstOrThrow()
}

async function keepStop(db: Db, stop: DeploymentStopRow): Promise<void> {
  const { deployment_id: _id, ...changed } = stop
  await db
    .insertInto('deployment_stops')
    .values(stop)
    .onConflict((conflict) => conflict.column('deployment_id').doUpdateSet(changed))
    .execute()
}

/** The earliest deadline that has not been kept yet. */
export async function nextDeadline(db: Db): Promise<number | undefined> {
  const row = await db
    .selectFrom('deployment_stops')
    .select('deadline_at')
    .where('deadline_at', 'is not', null)
    .where('deadline_passed_at', 'is', null)
    .orderBy('deadline_at')
    .limit(1)
    .executeTakeFirst()
  return row?.deadline_at ?? undefined
}

/**
 * Cancels what is left of the stop whose deadline came first: of a freeze, what still runs; what has parked stays as it is. A
 * deployment that serves again has no deadline any more.
 * @returns what is cancelled; undefined where no deadline has come
 */
export const keepDeadline = defineCommand('deployments.keepDeadline', async (db, now: number, actor): Promise<Cancelled[] | undefined> => {
  const due = await db
    .selectFrom('deployment_stops as s')
    .innerJoin('deployments as d', 'd.deployment_id', 's.deployment_id')
    .selectAll('s')
    .select(['d.name', 'd.environment'])
    .where('s.deadline_at', '<=', now)
    .where('s.deadline_passed_at', 'is', null)
    .orderBy('s.deadline_at')
    .limit(1)
    .executeTakeFirst()
  if (!due) return undefined
  const { deployment_id, mode, cancelled: before } = due
  const cancelled = await cancelInFlight(db, { deployment_id, ...(mode === 'freeze' && { status: 'running' as const }) }, now)
  await db
    .updateTable('deployment_stops')
    .set({ deadline_passed_at: now, cancelled: before + cancelled.length })
    .where('deployment_id', '=', deployment_id)
    .execute()
  if (cancelled.length === 0) return cancelled
  const after = { ...shownOf(due), ...counts({ cancelled }) }
  await recordDeploymentChange(db, actor, 'deployment.deadline', due, { at: now, before: null, after })
  return cancelled
})

export interface InFlightOfStop {
  queued: number
  running: number
  waiting: number
  /** Of those that wait, the ones that a freeze has parked. */
  frozen: number
}

export async function countInFlightOfStop(db: Db, deploymentId: string): Promise<InFlightOfStop> {
  const rows = await db
    .selectFrom('executions')
    .select(({ fn }) => ['status', fn.countAll<number>().as('count')])
    .where('ended_at', 'is', null)
    .where('deployment_id', '=', deploymentId)
    .groupBy('status')
    .execute()
  const of = (status: string): number => rows.find((row) => row.status === status)?.count ?? 0
  return { queued: of('queued'), running: of('running'), waiting: of('waiting'), frozen: await countParked(db, deploymentId) }
}

/** Those that a freeze has parked: what it found at work runs until its step has ended. From an index of what is frozen. */
async function countParked(db: Db, deploymentId: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from executions where deployment_id = ${deploymentId} and frozen > 0 and ended_at is null and status = 'waiting'`.execute(
    db,
  )
  return rows[0]!.count
}

/** When the last execution of a deployment ended. */
export async function lastEnd(db: Db, deploymentId: string): Promise<number | null> {
  const row = await db
    .selectFrom('deployment_counters')
    .select('last_executed')
    .where('deployment_id', '=', deploymentId)
    .executeTakeFirst()
  return row?.last_executed ?? null
}

export const stopCommands = [stopDeployment, keepDeadline]
