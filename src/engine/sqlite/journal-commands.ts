import { recall, record } from '../../store/sqlite/claims.ts'
import type { AnyCommand, SqliteCommand } from '../../store/sqlite/writer.ts'
import type { Admission, AdmittedExecution, Obstacle, Rest, RuntimeConfig } from '../journal.ts'
import { findRoute, type AdmissionRoute } from './admission-route.ts'
import { enterConversation, takeTurn, type Turn } from './conversations.ts'
import { countUsage, refuseUsedUp } from './deployment-budget.ts'
import { charge, hasRoom, isBeyondConcurrency } from './deployment-limits.ts'
import { draftRoute } from './drafts.ts'
import { noteFailure } from './failure-webhooks.ts'
import { countForGuard } from './guards.ts'
import { admitChild } from './children.ts'
import { END_COLUMNS, HAS_CHILDREN, HAS_EVENTS, HAS_USAGE, STEP_COLUMNS, Unpacking, type PackedEntry } from './packed-entry.ts'

const insertExecution = `
  insert into executions (execution_id, deployment_id, deployment_name, environment, workflow_id, release_number, definition_digest,
    runtime_config, status, request, session_id, user_id, api_key_id, created_at, slice_started_at, started_at,
    session_turn, remembered, route_change, bucket, asked_route)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

/** An admission as it goes to the writing thread, where the request is only stored. */
export type PackedAdmission = Omit<Admission, 'request' | 'request_json'> & { request: string; brings_history: boolean }
/** What it adds to what was asked. */
export type Admitted = Omit<AdmittedExecution, 'execution_id' | 'request' | 'api_key_id' | 'created_at'> & Pick<Turn, 'remembered'>

/** Admission is decided here, in the transaction that inserts the execution, and nowhere else. */
export const admit: SqliteCommand<PackedAdmission, Admitted> = {
  name: 'journal.admit',
  runDirectly(connection, admission) {
    if (admission.claim) recall(connection, admission.claim)
    const route: Partial<AdmissionRoute> & ReturnType<typeof draftRoute> = admission.draft
      ? draftRoute(connection, admission.draft, admission.environments[0]!)
      : findRoute(connection, admission)
    const deployed: RuntimeConfig = JSON.parse(route.runtime_config)
    const runtime_config: RuntimeConfig = { ...deployed, ...admission.runtime_overrides }
    const { execution_id, request, session_id, user_id, api_key_id, now } = admission
    refuseUsedUp(connection, route, deployed.budget, now)
    const hasPlace = hasRoom(connection, route, deployed.concurrency)
    const conversation = session_id === null ? undefined : { ...route, session_id, api_key_id }
    const turn = conversation && enterConversation(connection, conversation, deployed, admission.brings_history)
    const { session_turn, remembered } = turn ?? { session_turn: null, remembered: null }
    const status = hasPlace && session_turn !== 0 ? admission.status : 'queued'
    const rate = deployed.rate_limit && charge(connection, route, deployed.rate_limit, now)
    const started = status === 'running' ? now : null
    connection
      .prepare(insertExecution)
      .run(
        execution_id,
        route.deployment_id,
        route.deployment_name,
        route.environment,
        route.workflow_id,
        route.release_number,
        route.definition_digest,
        JSON.stringify(runtime_config),
        status,
        request,
        session_id,
        user_id,
        api_key_id,
        now,
        started,
        started,
        session_turn,
        remembered,
        route.route_change ?? null,
        route.bucket ?? null,
        route.asked_route ?? null,
      )
    if (admission.claim) record(connection, admission.claim, { execution_id, result: { status } })
    return { ...route, runtime_config, status, session_turn, remembered, ...(rate && { rate }) }
  },
}

const stepRow = `(?${', ?'.repeat(STEP_COLUMNS.length)})`
/** Several rows at a time: half of what a row costs is the statement. At most so many, since each number is one of its own. */
const STEPS_AT_ONCE = 8
const insertSteps = Array.from(
  { length: STEPS_AT_ONCE },
  (_, index) => `
  insert into steps (execution_id, ${STEP_COLUMNS.join(', ')}) values ${Array(index + 1)
    .fill(stepRow)
    .join(', ')}
  on conflict (execution_id, step_id) do update set status = excluded.status, attempts = excluded.attempts,
    output = excluded.output, input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens, cost = excluded.cost`,
)
const insertEvents = 'insert into events (execution_id, first_id, last_id, events) values (?, ?, ?, ?)'
const endingExecution = 'select deployment_id, bucket from executions where execution_id = ? and ended_at is null'
const endExecution = `update executions set ${END_COLUMNS.map((column) => `${column} = ?`).join(', ')} where execution_id = ?`
/** They change with the end itself, so that they can never disagree. */
const count = `
  update deployment_counters set execution_count = execution_count + 1, last_executed = ?,
    error_count = error_count + ?, last_error = coalesce(?, last_error),
    newest_execution_id = max(coalesce(newest_execution_id, ''), ?) where deployment_id = ?`

/**
 * Writes nothing for an execution that has ended: that is what makes an end final (P3). With the end of one that shows that a bound of
 * its release is passed, it gives the id of the deployment.
 */
export const append: SqliteCommand<PackedEntry, boolean | string> = {
  name: 'journal.append',
  runDirectly(connection, packed) {
    const entry = new Unpacking(packed)
    const execution_id = entry.takeOne()
    const execution = connection.prepare(endingExecution).get(execution_id)
    if (!execution) return false
    for (let left = Number(entry.takeOne()); left > 0; left -= STEPS_AT_ONCE) {
      const rows = Math.min(left, STEPS_AT_ONCE)
      connection.prepare(insertSteps[rows - 1]!).run(...entry.take(rows * (STEP_COLUMNS.length + 1)))
    }
    const has = Number(entry.takeOne())
    if (has & HAS_EVENTS) connection.prepare(insertEvents).run(execution_id, ...entry.take(3))
    if (has & HAS_USAGE) {
      const [day, tokens, cost] = entry.take(3) as [number, number, number]
      countUsage(connection, execution['deployment_id'] as string, { day, tokens, cost })
    }
    if (has & HAS_CHILDREN) for (let left = Number(entry.takeOne()); left > 0; left--) admitChild(connection, execution_id, entry.take(3))
    if (entry.isAtEnd) return true
    const end = entry.take(END_COLUMNS.length)
    connection.prepare(endExecution).run(...end, execution_id)
    const [status, at] = end
    connection.prepare(count).run(at!, status === 'failed' ? 1 : 0, entry.takeOne(), execution_id, execution['deployment_id']!)
    if (status === 'failed') noteFailure(connection, execution_id as string)
    if (execution['bucket'] === null) return true
    return countForGuard(connection, execution_id as string, status, at as number) ?? true
  },
}

/** What waits for the end of a freeze, or for a signal, that has come does not rest. */
export const rest: SqliteCommand<Rest, 'resting' | 'awake' | 'ended'> = {
  name: 'journal.rest',
  runDirectly(connection, { execution_id, status, active_ms, booked_ms, wake_at, awaits, frozen: believed }) {
    const execution = connection.prepare('select frozen from executions where execution_id = ? and ended_at is null').get(execution_id)
    if (!execution) return 'ended'
    const frozen = execution['frozen'] === 1
    if (!frozen && status === 'waiting') {
      if (believed || (wake_at === null && awaits.length === 0)) return 'awake'
      const sent = connection.prepare('select 1 from signals where execution_id = ? and name = ? and seq = ?')
      if (awaits.some(({ name, seq }) => sent.get(execution_id, name, seq))) return 'awake'
    }
    connection
      .prepare(
        'update executions set status = ?, active_ms = ?, booked_ms = ?, wake_at = ?, slice_started_at = null where execution_id = ?',
      )
      .run(frozen ? 'waiting' : status, active_ms, booked_ms, wake_at, execution_id)
    return 'resting'
  },
}

export interface BeginSlice {
  execution_id: string
  /** What the slices before used of the timeout. */
  active_ms: number
  crashed: boolean
  now: number
}

/**
 * `held`: the execution has ended, or is frozen; a frozen one rests from now on. Where there is an obstacle it is queued. When its
 * turn in a conversation has come, what is remembered of that is recorded and given.
 */
export const beginSlice: SqliteCommand<BeginSlice, 'begun' | 'held' | Obstacle | Pick<Turn, 'remembered'>> = {
  name: 'journal.beginSlice',
  runDirectly(connection, { execution_id, active_ms, crashed, now }) {
    const recoveries = crashed ? 1 : 0
    const turn = takeTurn(connection, execution_id)
    if (turn === 'behind') return 'behind'
    if (isBeyondConcurrency(connection, execution_id)) {
      connection.prepare(`update executions set status = 'queued' where execution_id = ?`).run(execution_id)
      return 'full'
    }
    const begun = connection
      .prepare(
        `update executions set status = 'running', recoveries = recoveries + ?, active_ms = ?, slice_started_at = ?,
           started_at = coalesce(started_at, ?), wake_at = null
         where execution_id = ? and ended_at is null and frozen = 0`,
      )
      .run(recoveries, active_ms, now, now, execution_id)
    if (begun.changes === 1) {
      if (!turn) return 'begun'
      const { remembered } = turn
      connection.prepare('update executions set session_turn = 1, remembered = ? where execution_id = ?').run(remembered, execution_id)
      return { remembered }
    }
    connection
      .prepare(
        `update executions set status = 'waiting', recoveries = recoveries + ?, active_ms = ?, slice_started_at = null
         where execution_id = ? and ended_at is null`,
      )
      .run(recoveries, active_ms, execution_id)
    return 'held'
  },
}

export const journalCommands: AnyCommand[] = [admit, append, rest, beginSlice]
