import { setTimeout as delay } from 'node:timers/promises'
import type { Dispatcher } from './engine/dispatcher.ts'
import { answersEnded } from './http/answers.ts'
import type { App } from './http/app.ts'
import { endEventStreams } from './http/sse.ts'
import { takeNoMoreWork } from './http/stopping.ts'
import type { Readiness } from './operations/readiness.ts'

export interface StoppableServer {
  app: App
  dispatcher: Dispatcher
  readiness: Readiness
  /** Writes what is in hand and lets go of everything. */
  free(): Promise<void>
  /** Told when the server ends without having done all of it. */
  onUnfinished(): void
}

/** How long clients may take for the rest of what they are told. Milliseconds. */
const FAREWELL_MS = 1_000

/** How long requests may then still arrive that had begun. Milliseconds. */
const CLOSING_MS = 250

/** How long after the grace everything is over, whatever still hangs: the next start recovers what was left. Milliseconds. */
const OVERTIME_MS = 1_750

/**
 * Lets a server end: it says that it is not ready and takes no new work, but answers those who look, until its executions
 * have ended or their time is over. Then the streams are broken off, whose clients come back to a later process, and
 * everything is freed. Never takes longer than the grace and `OVERTIME_MS`.
 */
export async function stopServer(server: StoppableServer, graceMs: number): Promise<void> {
  if (!(await within(graceMs + OVERTIME_MS, endInOrder(server, graceMs)))) server.onUnfinished()
}

async function endInOrder({ app, dispatcher, readiness, free }: StoppableServer, graceMs: number): Promise<void> {
  // The listening goes on: refused connections would look like a crash, and those who ask for readiness get their answer.
  readiness.noteStopping()
  takeNoMoreWork(app)
  await dispatcher.drain(graceMs)
  endEventStreams(app.server)
  await within(FAREWELL_MS, answersEnded(app))
  const cut = setTimeout(() => app.server.closeAllConnections(), CLOSING_MS)
  await app.close()
  clearTimeout(cut)
  await free()
}

/** @returns whether it was done in that time */
async function within(ms: number, work: Promise<void>): Promise<boolean> {
  const patience = new AbortController()
  const over = delay(ms, false, { signal: patience.signal }).catch(() => false)
  const done = await Promise.race([work.then(() => true), over])
  patience.abort()
  return done
}
