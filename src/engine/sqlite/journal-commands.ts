import { DeploymentInactive, DeploymentNotFound, WorkflowNotDeployed } from '../../errors.ts'
import { recall, record } from '../../store/sqlite/claims.ts'
import type { SqliteConnection } from '../../store/sqlite/connection.ts'
import type { AnyCommand, SqliteCommand } from '../../store/sqlite/writer.ts'
import type { Admission, AdmittedExecution, ExecutionIdentity, Rest, RuntimeConfig } from '../journal.ts'
import { charge, hasRoom, isBeyondConcurrency } from './deployment-limits.ts'
import { END_COLUMNS, STEP_COLUMNS, Unpacking, type PackedEntry } from './packed-entry.ts'

/** As the columns below select it. */
type Route = Omit<ExecutionIdentity, 'execution_id'> & { runtime_config: string }

const routeColumns = `
  select d.deployment_id, d.name as deployment_name, d.environment, l.workflow_id, r.release_number, l.definition_digest, l.runtime_config
  from deployments d
  join routes r on r.deployment_id = d.deployment_id
  join releases l on l.deployment_id = d.deployment_id and l.number = r.release_number`
const routeByName = `${routeColumns} where d.name = ? and d.environment = ? and d.status = 'active' limit 1`
const routeByWorkflow = `${routeColumns} where d.workflow_id = ? and d.environment = ? and d.status = 'active' and d.name glob ? order by d.deployed_at desc, l.rowid desc limit 1`

const insertExecution = `
  insert into executions (execution_id, deployment_id, deployment_name, environment, workflow_id, release_number, definition_digest,
    runtime_config, status, request, session_id, user_id, api_key_id, created_at, slice_started_at, started_at)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

/** An admission as it goes to the writing thread, where the request is only stored. */
export type PackedAdmission = Omit<Admission, 'request' | 'request_json'> & { request: string }
/** What it adds to what was asked. */
export type Admitted = Omit<AdmittedExecution, 'execution_id' | 'request' | 'api_key_id' | 'created_at'>

/** Admission is decided here, in the transaction that inserts the execution, and nowhere else. */
export const admit: SqliteCommand<PackedAdmission, Admitted> = {
  name: 'journal.admit',
  runDirectly(connection, admission) {
    if (admission.claim) recall(connection, admission.claim)
    const route = findRoute(connection, admission)
    const deployed: RuntimeConfig = JSON.parse(route.runtime_config)
    const runtime_config: RuntimeConfig = { ...deployed, ...admission.runtime_overrides }
    const { execution_id, request, session_id, user_id, api_key_id, now } = admission
    const status = hasRoom(connection, route, deployed.concurrency) ? admission.status : 'queued'
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
      )
    if (admission.claim) record(connection, admission.claim, { execution_id, result: { status } })
    return { ...route, runtime_config, status, ...(rate && { rate }) }
  },
}

function findRoute(connection: SqliteConnection, { target, environments, deployment_pattern = '*' }: PackedAdmission): Route {
  const byName = 'deployment_name' in target
  const [sql, key] = byName ? [routeByName, target.deployment_name] : [routeByWorkflow, target.workflow_id]
  const names = byName ? [] : [deployment_pattern]
  let servesAnother = false
  for (const environment of environments) {
    const route = connection.prepare(sql).get(key, environment, ...names) as Route | undefined
    if (!route) continue
    if (target.workflow_id === undefined || route.workflow_id === target.workflow_id) return route
    servesAnother = true
  }
  const searched = [...environments]
  if (!byName) throw new WorkflowNotDeployed({ workflow_id: target.workflow_id, searched })
  if (servesAnother) throw new WorkflowNotDeployed({ workflow_id: target.workflow_id!, name: key, searched })
  const stopped = connection.prepare('select 1 from deployments where name = ? and environment = ?')
  const environment = environments.find((one) => stopped.get(key, one))
  if (environment) throw new DeploymentInactive({ name: key, environment })
  throw new DeploymentNotFound({ name: key, searched })
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
const endExecution = `update executions set ${END_COLUMNS.map((column) => `${column} = ?`).join(', ')} where execution_id = ?`
/** They change with the end itself, so that they can never disagree. */
const count = `
  update deployment_counters set execution_count = execution_count + 1, last_executed = ?,
    error_count = error_count + ?, last_error = coalesce(?, last_error),
    newest_execution_id = max(coalesce(newest_execution_id, ''), ?) where deployment_id = ?`

/** Writes nothing for an execution that has ended: that is what makes an end final (P3). */
export const append: SqliteCommand<PackedEntry, boolean> = {
  name: 'journal.append',
  runDirectly(connection, packed) {
    const entry = new Unpacking(packed)
    const execution_id = entry.takeOne()
    const execution = connection
      .prepare('select deployment_id from executions where execution_id = ? and ended_at is null')
      .get(execution_id)
    if (!execution) return false
    for (let left = Number(entry.takeOne()); left > 0; left -= STEPS_AT_ONCE) {
      const rows = Math.min(left, STEPS_AT_ONCE)
      connection.prepare(insertSteps[rows - 1]!).run(...entry.take(rows * (STEP_COLUMNS.length + 1)))
    }
    if (entry.takeOne() === 1) connection.prepare(insertEvents).run(execution_id, ...entry.take(3))
    if (entry.isAtEnd) return true
    const end = entry.take(END_COLUMNS.length)
    connection.prepare(endExecution).run(...end, execution_id)
    const [status, at] = end
    connection.prepare(count).run(at!, status === 'failed' ? 1 : 0, entry.takeOne(), execution_id, execution['deployment_id']!)
    return true
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
 * `held`: the execution has ended, or is frozen; a frozen one rests from now on. `full`: its deployment has as many running
 * as it may, so it is queued.
 */
export const beginSlice: SqliteCommand<BeginSlice, 'begun' | 'held' | 'full'> = {
  name: 'journal.beginSlice',
  runDirectly(connection, { execution_id, active_ms, crashed, now }) {
    const recoveries = crashed ? 1 : 0
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
    if (begun.changes === 1) return 'begun'
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
