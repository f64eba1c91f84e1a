import type { SqliteConnection } from '../../store/sqlite/connection.ts'

/**
 * Of its parent it has all that says what it runs, for whom, and how. It is no turn of a conversation, was drawn by no lot, and nobody
 * counted it against a rate; where its parent is frozen, it is.
 */
const insertChild = `
  insert into executions (execution_id, deployment_id, deployment_name, environment, workflow_id, release_number, definition_digest,
    runtime_config, status, frozen, request, session_id, user_id, api_key_id, created_at, remembered, route_change, asked_route,
    parent_id, notification)
  select ?, deployment_id, deployment_name, environment, workflow_id, release_number, definition_digest,
    runtime_config, iif(frozen = 1, 'waiting', 'queued'), frozen, request, session_id, user_id, api_key_id, ?, remembered, route_change,
    asked_route, execution_id, ?
  from executions where execution_id = ?`

/** Its parent may run on a release that no route leads to any more, whose newest execution was known until now. */
const noteNewest = `
  update releases set newest_execution_id = max(newest_execution_id, ?)
  where newest_execution_id is not null
    and (deployment_id, number) = (select deployment_id, release_number from executions where execution_id = ?)`

/** Begins an execution for a notification, in the transaction that records that it was begun. @param child id, time and entry */
export function admitChild(
  connection: SqliteConnection,
  parentId: string | number | null,
  child: readonly (string | number | null)[],
): void {
  connection.prepare(insertChild).run(...child, parentId)
  connection.prepare(noteNewest).run(child[0]!, parentId)
}
