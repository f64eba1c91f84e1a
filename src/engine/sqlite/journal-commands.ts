import { DeploymentInactive, DeploymentNotFound, WorkflowNotDeployed } from '../../errors.ts'
import type { SqliteConnection } from '../../store/sqlite/connection.ts'
import type { AnyCommand, SqliteCommand } from '../../store/sqlite/writer.ts'
import type { Admission, AdmittedExecution, ExecutionEnd, ExecutionIdentity, JournalEntry, RuntimeConfig } from '../journal.ts'

/** As the columns below select it. */
type Route = Omit<ExecutionIdentity, 'execution_id'> & { runtime_config: string }

const routeColumns = `
  select d.deployment_id, d.name as deployment_name, d.environment, l.workflow_id, r.release_number, l.definition_digest, l.runtime_config
  from deployments d
  join routes r on r.deployment_id = d.deployment_id
  join releases l on l.deployment_id = d.deployment_id and l.number = r.release_number`
const routeByName = `${routeColumns} where d.name = ? and d.environment = ? and d.status = 'active' limit 1`
const routeByWorkflow = `${routeColumns} where d.workflow_id = ? and d.environment = ? and d.status = 'active' order by d.deployed_at desc, l.rowid desc limit 1`

/** Admission is decided here, in the transaction that inserts the execution, and nowhere else. */
export const admit: SqliteCommand<Admission, AdmittedExecution> = {
  name: 'journal.admit',
  runDirectly(connection, admission) {
    const route = findRoute(connection, admission)
    const runtime_config: RuntimeConfig = { ...JSON.parse(route.runtime_config), ...admission.runtime_overrides }
    const { execution_id, request, session_id, user_id, status, now } = admission
    const started = status === 'running' ? now : null
    connection
      .prepare(
        `insert into executions (execution_id, deployment_id, deployment_name, environment, workflow_id, release_number, definition_digest,
           runtime_config, status, request, session_id, user_id, created_at, slice_started_at, started_at)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
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
        JSON.stringify(request),
        session_id,
        user_id,
        now,
        started,
        started,
      )
    return { ...route, execution_id, runtime_config, request, created_at: now, status }
  },
}

function findRoute(connection: SqliteConnection, { target, environments }: Admission): Route {
  const byName = 'deployment_name' in target
  const [sql, key] = byName ? [routeByName, target.deployment_name] : [routeByWorkflow, target.workflow_id]
  let servesAnother = false
  for (const environment of environments) {
    const route = connection.prepare(sql).get(key, environment) as Route | undefined
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

/** Writes nothing for an execution that has ended: that is what makes an end final (P3). */
export const append: SqliteCommand<JournalEntry, boolean> = {
  name: 'journal.append',
  runDirectly(connection, { execution_id, started_at, steps, events, end }) {
    const execution = connection
      .prepare('select deployment_id from executions where execution_id = ? and ended_at is null')
      .get(execution_id)
    if (!execution) return false
    if (started_at !== undefined) {
      connection
        .prepare(
          `update executions set status = 'running', started_at = coalesce(started_at, ?), slice_started_at = ? where execution_id = ?`,
        )
        .run(started_at, started_at, execution_id)
    }
    for (const step of steps) {
      connection
        .prepare(
          `insert into steps (execution_id, step_id, position, kind, name, status, attempts, input, output, model, input_tokens, output_tokens)
           values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
           on conflict (execution_id, step_id) do update set status = excluded.status, attempts = excluded.attempts,
             output = excluded.output, input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens`,
        )
        .run(
          step.execution_id,
          step.step_id,
          step.position,
          step.kind,
          step.name,
          step.status,
          step.attempts,
          step.input,
          step.output,
          step.model,
          step.input_tokens,
          step.output_tokens,
        )
    }
    if (events) {
      connection
        .prepare('insert into events (execution_id, first_id, last_id, events) values (?, ?, ?, ?)')
        .run(execution_id, events.first_id, events.last_id, events.events)
    }
    if (end) endExecution(connection, execution_id, execution['deployment_id'] as string, end)
    return true
  },
}

/** The deployment's counters change with the end itself, so that they can never disagree. */
function endExecution(connection: SqliteConnection, execution_id: string, deployment_id: string, end: ExecutionEnd): void {
  connection
    .prepare(
      `update executions set status = ?, ended_at = ?, response = ?, error = ?, input_tokens = ?, output_tokens = ?, demo = ?, last_event_id = ?
       where execution_id = ?`,
    )
    .run(
      end.status,
      end.at,
      end.response,
      end.error && JSON.stringify(end.error),
      end.tokens.input,
      end.tokens.output,
      end.demo ? 1 : 0,
      end.last_event_id,
      execution_id,
    )
  const failed = end.status === 'failed'
  connection
    .prepare(
      `update deployment_counters set execution_count = execution_count + 1, last_executed = ?,
         error_count = error_count + ?, last_error = coalesce(?, last_error) where deployment_id = ?`,
    )
    .run(end.at, failed ? 1 : 0, failed ? end.error!.message : null, deployment_id)
}

export interface BeginSlice {
  execution_id: string
  /** What the slices before used of the timeout. */
  active_ms: number
  now: number
}

/** False when the execution has ended meanwhile. */
export const beginSlice: SqliteCommand<BeginSlice, boolean> = {
  name: 'journal.beginSlice',
  runDirectly(connection, { execution_id, active_ms, now }) {
    const { changes } = connection
      .prepare(
        `update executions set status = 'running', recoveries = recoveries + 1, active_ms = ?, slice_started_at = ?, started_at = coalesce(started_at, ?)
         where execution_id = ? and ended_at is null`,
      )
      .run(active_ms, now, now, execution_id)
    return changes === 1
  },
}

export const journalCommands: AnyCommand[] = [admit, append, beginSlice]
