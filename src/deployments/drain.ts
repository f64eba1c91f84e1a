import { setTimeout as delay } from 'node:timers/promises'
import { toTimestamp, toTimestampOrNull } from '../clock.ts'
import type { Studio } from '../studio.ts'
import type { DeploymentRow } from '../store/tables.ts'
import { countInFlightOfStop, findStop, lastEnd, stopOf, type InFlightOfStop, type StopMode } from './stop-repository.ts'

/** How far a stop has come. */
export interface DrainView {
  deployment_id: string
  deployment_name: string
  environment: string
  status: DeploymentRow['status']
  /** What the stop asked for; null while the deployment serves. */
  mode: StopMode | null
  since: string | null
  deadline: string | null
  deadline_passed_at: string | null
  in_flight: InFlightOfStop
  /** Executions that the stop, or its deadline, has cancelled. */
  cancelled: number
  done: boolean
  /** Null where that is not known: when the last execution parked is written nowhere. */
  done_at: string | null
}

/** Of a deployment as it was just read. */
export async function drainOf({ store, dispatcher }: Pick<Studio, 'store' | 'dispatcher'>, deployment: DeploymentRow): Promise<DrainView> {
  const { deployment_id, name: deployment_name, environment, status } = deployment
  const in_flight = await countInFlightOfStop(store.read, deployment_id)
  const head = { deployment_id, deployment_name, environment, status }
  if (status === 'active') {
    const none = { mode: null, since: null, deadline: null, deadline_passed_at: null, done_at: null }
    return { ...head, ...none, in_flight, cancelled: 0, done: false }
  }
  const { mode, since, deadline_at, deadline_passed_at, cancelled } = (await findStop(store.read, deployment_id)) ?? stopOf(deployment)
  const { queued, running, waiting, frozen } = in_flight
  // What is cancelled on disk is done only when its calls are aborted as well.
  const atWork = dispatcher.atWork(deployment_id)
  const done = queued + running + atWork === 0 && waiting === (mode === 'freeze' ? frozen : 0)
  const done_at = done && waiting === 0 ? Math.max(since, (await lastEnd(store.read, deployment_id)) ?? 0) : null
  return {
    ...head,
    mode,
    since: toTimestamp(since),
    deadline: toTimestampOrNull(deadline_at),
    deadline_passed_at: toTimestampOrNull(deadline_passed_at),
    in_flight,
    cancelled,
    done,
    done_at: toTimestampOrNull(done_at),
  }
}

/** How often is looked, at first and later. Milliseconds. */
const FIRST_LOOK_MS = 50
const LATER_LOOK_MS = 500

/**
 * The same, given when it is done, or after so long.
 * @param look reads the deployment anew @param isGone nobody waits for it any more
 */
export async function awaitDrain(
  studio: Pick<Studio, 'store' | 'dispatcher'>,
  look: () => Promise<DeploymentRow>,
  { waitMs, isGone }: { waitMs: number; isGone: () => boolean },
): Promise<DrainView> {
  const until = performance.now() + waitMs
  for (let pause = FIRST_LOOK_MS; ; pause = Math.min(2 * pause, LATER_LOOK_MS)) {
    const view = await drainOf(studio, await look())
    const left = until - performance.now()
    // One that serves is not on its way to an end.
    if (view.done || view.status === 'active' || left <= 0 || isGone()) return view
    await delay(Math.min(pause, left))
  }
}
