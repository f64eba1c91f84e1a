import { defineError } from './catalogue.ts'
import { seconds } from './words.ts'

export const ServerBusy = defineError(
  'server_busy',
  503,
  'The server has too much to do',
  (d: { retry_after: number }) =>
    `The server has more to do than it gets done, so it refused this request and did nothing of it. Try again in ${seconds(d.retry_after)}.`,
  ['retry_after'],
)

export const InternalError = defineError(
  'internal_error',
  500,
  'Something is wrong in the server',
  (_details: { execution_id?: string }) => 'This is a fault of the server, not of the request. Its log has the details.',
  ['execution_id'],
)

export const StorageUnknown = defineError(
  'storage_unknown',
  503,
  'The outcome of the write is unknown',
  () =>
    'The disk reported an error while this was written, so it may or may not have happened. Repeat it with the same Idempotency-Key once the server is back, and it happens once; without a key, look it up first.',
)

export const ShuttingDown = defineError(
  'shutting_down',
  503,
  'The server is stopping',
  (d: { execution_id?: string }) =>
    d.execution_id
      ? `The server is stopping. Execution ${d.execution_id} goes on when it is started again; GET /api/executions/${d.execution_id} tells how it ends.`
      : 'The server is stopping and takes no new work. Try again in a moment.',
  ['execution_id'],
)

export const StorageFull = defineError(
  'storage_full',
  507,
  'The disk is full',
  (d: { execution_id?: string }) =>
    d.execution_id
      ? `There is no room left on the disk of the database. Free some space, and execution ${d.execution_id} goes on by itself; GET /api/executions/${d.execution_id} tells how it ends.`
      : 'There is no room left on the disk of the database, so nothing was changed. Free some space and try again.',
  ['execution_id'],
)
