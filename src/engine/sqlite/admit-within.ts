import { connectionOf } from '../../store/sqlite/connection.ts'
import type { Db } from '../../store/store.ts'
import { bringsHistory } from '../conversation.ts'
import type { Admission, ExecutionRequest } from '../journal.ts'
import { admit } from './journal-commands.ts'

/** An admission of somebody who does not wait for its answer. */
export type QueuedAdmission = Omit<Admission, 'request' | 'request_json' | 'status' | 'claim'>

/**
 * Admits an execution in the transaction of another command, as one that is queued. Whoever calls it tells the dispatcher after the commit.
 * @param request as it is stored
 * @throws what an admission does, and then nothing is written
 */
export function admitWithin(db: Db, admission: QueuedAdmission, request: string): void {
  const brings_history = bringsHistory(JSON.parse(request) as ExecutionRequest)
  admit.runDirectly(connectionOf(db), { ...admission, request, brings_history, status: 'queued' })
}
