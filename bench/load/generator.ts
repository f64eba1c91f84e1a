// The process that makes the load: one of its own, so that it takes nothing from the event loop that is measured.
import { createHistogram } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { Connection } from './connection.ts'

export interface Job {
  port: number
  /** A whole HTTP request. */
  request: string
  connections: number
  seconds: number
}

export interface LoadResult {
  requestsPerSecond: number
  p50Ms: number
  p99Ms: number
  /** Answers with 2xx, also those that came before the time began or after it was over. */
  answered: number
  /** How often each other status, or failure of a connection, came. */
  errors: Record<string, number>
}

/** Connections that break are made again, but not in a busy loop. */
const RECONNECT_MS = 50
/** The connections begin one after the other, as people do: who begins together also waits together, again and again. */
const RAMP_MS = 200
/** How long an answer may take that is awaited at the end. */
const PATIENCE_MS = 15_000

async function run({ port, request, connections: count, seconds }: Job): Promise<LoadResult> {
  const bytes = Buffer.from(request)
  const micros = createHistogram()
  const errors: Record<string, number> = {}
  let inTime = 0
  let answered = 0
  const began = performance.now() + RAMP_MS
  const deadline = began + seconds * 1000

  const open = (): Connection => {
    let sent = 0
    const send = (): void => {
      sent = performance.now()
      connection.send()
    }
    const fail = (what: string): void => void (errors[what] = (errors[what] ?? 0) + 1)
    const connection = new Connection({
      port,
      request: bytes,
      onAnswer: (status) => {
        const now = performance.now()
        if (status >= 200 && status < 300) {
          micros.record(Math.max(1, Math.round((now - sent) * 1000)))
          answered++
          // Of what began before the time or ends after it, the part in between: with slow answers it matters.
          inTime += Math.max(0, Math.min(now, deadline) - Math.max(sent, began)) / (now - sent)
        } else {
          fail(String(status))
        }
        if (now < deadline) send()
      },
      onBreak: (error) => {
        fail(error)
        setTimeout(() => performance.now() < deadline && send(), RECONNECT_MS)
      },
    })
    send()
    return connection
  }

  const connections: Connection[] = []
  while (connections.length < count) {
    const due = began - RAMP_MS * (1 - connections.length / count)
    if (performance.now() < due) await delay(1)
    else connections.push(open())
  }
  await delay(deadline - performance.now())
  const late = performance.now() + PATIENCE_MS
  while (connections.some((one) => one.isWaiting) && performance.now() < late) await delay(5)
  const unanswered = connections.filter((one) => one.isWaiting).length
  if (unanswered > 0) errors['no answer'] = unanswered
  for (const connection of connections) connection.close()
  const percentileMs = (percent: number): number => (answered === 0 ? NaN : micros.percentile(percent) / 1000)
  return { requestsPerSecond: inTime / seconds, p50Ms: percentileMs(50), p99Ms: percentileMs(99), answered, errors }
}

process.on('message', (job: Job) => void run(job).then((result) => process.send!(result)))
// The probe, which ends this process with the bench, does not keep it alive.
process.channel!.ref()
