import { WorkflowChanged } from '../../errors.ts'
import type { SqliteConnection } from '../../store/sqlite/connection.ts'
import type { Draft, ExecutionIdentity } from '../journal.ts'

/**
 * What an execution of a draft runs, in the place of a route: it belongs to no deployment, and its definition is kept as long as
 * there is an execution of it.
 * @throws WorkflowChanged when the workflow is not any more what the definition was made from, or is gone
 */
export function draftRoute(
  connection: SqliteConnection,
  { workflow_id, revision, definition_digest, definition, runtime_config }: Draft,
  environment: string,
): Omit<ExecutionIdentity, 'execution_id'> & { runtime_config: string } {
  const workflow = connection.prepare('select revision from workflows where workflow_id = ?').get(workflow_id)
  if (workflow?.['revision'] !== revision) throw new WorkflowChanged({ workflow_id })
  connection
    .prepare('insert into definitions (definition_digest, definition) values (?, ?) on conflict do nothing')
    .run(definition_digest, definition)
  return {
    deployment_id: '',
    deployment_name: '',
    environment,
    workflow_id,
    release_number: 0,
    definition_digest,
    runtime_config: JSON.stringify(runtime_config),
  }
}
