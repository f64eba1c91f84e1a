import { reaches, type Caller } from '../access/caller.ts'
import type { ExecutionIdentity } from '../engine/journal.ts'
import { ExecutionNotFound } from '../errors.ts'
import { isUuid } from '../http/uuid.ts'
import type { Studio } from '../studio.ts'
import { getExecution, getExecutionHead } from './repository.ts'

/** Without what it was asked and answered. @throws ExecutionNotFound */
export async function findHead({ store }: Studio, caller: Caller, executionId: string) {
  if (!isUuid(executionId)) throw new ExecutionNotFound({ execution_id: executionId })
  return within(caller, await getExecutionHead(store.read, executionId))
}

/** @throws ExecutionNotFound */
export async function findExecution({ store }: Studio, caller: Caller, executionId: string) {
  if (!isUuid(executionId)) throw new ExecutionNotFound({ execution_id: executionId })
  return within(caller, await getExecution(store.read, executionId))
}

/** @throws ExecutionNotFound for one that the caller cannot see, as for one that there is not */
function within<Row extends ExecutionIdentity>(caller: Caller, row: Row): Row {
  if (reaches(caller, row.environment, row.deployment_name)) return row
  throw new ExecutionNotFound({ execution_id: row.execution_id })
}
