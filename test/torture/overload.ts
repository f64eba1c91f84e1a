import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { Job, LoadResult } from '../../bench/load/generator.ts'
import { write } from '../../bench/load/load.ts'
import { call, until } from '../support/api.ts'
import { removeFolder, startServer, temporaryFolder } from '../support/server.ts'
import { HonestClients, type HonestResult } from './honest-clients.ts'
import { startProcess } from './load-process.ts'
import type { Latency, OpenLoad, OpenLoadResult } from './open-loop.ts'
import { joinEnv } from './preload.ts'
import { RssWatch } from './rss-watch.ts'

export interface OverloadOptions {
  /** Of the overload. */
  seconds: number
  /** How many times the peak. */
  factor?: number
  env?: Record<string, string>
}

export interface OverloadResult {
  torture: 'overload'
  seconds: number
  /** Executions a second that the server does at best, before and after the overload. */
  peaks: number[]
  /** Requests a second that it was asked for, and executions a second that it did. */
  offered: number
  done: number
  /** … as a share of the peak. */
  kept: number
  /** Milliseconds. */
  accepted: Latency
  refused: Latency
  /** Executions a second, second by second. */
  perSecond: number[]
  /** Questions about health meanwhile. */
  health: HonestResult
  rssPeak: number
  broken: string[]
}

const PEAK_CONNECTIONS = 128
const CONNECTIONS = 1_500
const WARM_UP_SECONDS = 3
/** As `npm start` gives them. */
const FLAGS = { NODE_OPTIONS: '--max-semi-space-size=16' }
const none: Latency = { count: 0, p50: 0, p99: 0, max: 0 }

/** Three calls of models that cost nothing. */
const configuration = {
  agents: [
    { agent_id: 'lead', config: { model: 'demo/assistant', system_prompt: 'Answer without pauses.' } },
    { agent_id: 'helper', config: { model: 'demo/echo' } },
  ],
  connections: [{ source_agent_id: 'lead', target_agent_id: 'helper' }],
}

/** Asks for twice as many executions as the server can do. It must do about as many as ever, and refuse the others at once. */
export async function tortureByOverload({ seconds, factor = 2, env = {} }: OverloadOptions): Promise<OverloadResult> {
  const folder = temporaryFolder()
  const server = await startServer(folder, joinEnv({ LOG_LEVEL: 'error' }, FLAGS, env))
  const closed = startProcess('../../bench/load/generator.ts')
  const open = startProcess('open-loop-main.ts')
  const watchers = new HonestClients()
  try {
    const { url } = server
    const port = Number(new URL(url).port)
    const { workflow_id } = (await call(url, 'POST', '/api/workflows', { name: 'three steps', configuration })).body
    await call(url, 'POST', `/api/workflows/${workflow_id}/deploy`, { deployment_name: 'three-steps' })
    const request = write(port, { path: '/api/workflows/execute', body: { deployment_name: 'three-steps', query: 'How late is it?' } })
    const rss = new RssWatch(server.process.pid!)
    const measurePeak = async (length: number): Promise<number> => {
      const result = await ask<LoadResult>(closed, { port, request, connections: PEAK_CONNECTIONS, seconds: length })
      return result.requestsPerSecond
    }

    await measurePeak(WARM_UP_SECONDS)
    const peakSeconds = Math.max(2, seconds / 6)
    const before = await measurePeak(peakSeconds)
    const overload = ask<OpenLoadResult>(open, { port, request, rate: factor * before, seconds, connections: CONNECTIONS })
    const healthWork = { port, requests: [write(port, { path: '/healthz' })], clients: 1, pauseMs: 50, reconnects: false }
    const health = await watchers.during(healthWork, overload)
    const result = await overload
    // It is over, and every request is taken again.
    await until(async () => (await answersAll(url, request)) || (await delay(200), false), 'the server to be calm again', 10_000)
    const after = await measurePeak(peakSeconds)

    const peaks = [before, after]
    const done = result.perSecond.reduce((sum, each) => sum + each, 0) / seconds
    const kept = done / ((before + after) / 2)
    const { 200: accepted = none, 503: refused = none } = result.statuses
    const broken = [
      ...Object.entries(result.statuses).flatMap(([status, { count }]) =>
        ['200', '503'].includes(status) ? [] : [`${count} answers were ${status}`],
      ),
      ...Object.entries(result.broken).map(([what, count]) => `${count} connections ended with ${what}`),
      ...(result.unanswered > 0 ? [`${result.unanswered} requests were not answered`] : []),
      ...Object.entries(health.failures).map(([what, count]) => `${count} questions about health got ${what}`),
    ]
    const round = (value: number): number => Math.round(value)
    return {
      torture: 'overload',
      seconds,
      peaks: peaks.map(round),
      offered: round(factor * before - result.unsent / seconds),
      done: round(done),
      kept: round(kept * 1_000) / 1_000,
      accepted,
      refused,
      perSecond: result.perSecond,
      health,
      rssPeak: rss.stop(),
      broken,
    }
  } finally {
    watchers.stop()
    closed.kill()
    open.kill()
    await server.kill()
    removeFolder(folder)
  }
}

async function ask<Result>(child: ChildProcess, work: Job | OpenLoad): Promise<Result> {
  child.send(work)
  const [result] = (await once(child, 'message')) as [Result]
  return result
}

/** Whether a few executions after each other are all done. */
async function answersAll(url: string, request: string): Promise<boolean> {
  const body = JSON.parse(request.slice(request.indexOf('\r\n\r\n') + 4)) as object
  for (let asked = 0; asked < 5; asked++) {
    if ((await call(url, 'POST', '/api/workflows/execute', body)).status !== 200) return false
  }
  return true
}
