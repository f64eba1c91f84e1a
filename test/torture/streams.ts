import { setTimeout as wait } from 'node:timers/promises'
import { call, readEvents, remainingText, type StreamedEvent } from '../support/api.ts'
import { removeFolder, startServer, temporaryFolder, type TestServer } from '../support/server.ts'
import { deployAgents } from '../support/workflows.ts'
import { startModelProcess } from './model-process.ts'
import { Random } from './random.ts'

export interface StreamsOptions {
  seed: number
  streams: number
  /** How often the server is killed meanwhile. */
  kills: number
  env?: Record<string, string>
}

export interface StreamsResult {
  torture: 'streams'
  seed: number
  streams: number
  kills: number
  /** Connections that were cut by the client or a kill, and gone on with from another one. */
  cuts: number
  /** Streams in which a model's text was taken back. */
  retried: number
  /** Streams whose execution was cancelled in the middle. */
  cancelled: number
  /** Streams that, joined, have a gap, a repeat, a text that is not the response, or are not what is stored. */
  broken: number
  /** What was wrong with the first of them. */
  example?: string
  seconds: number
}

const AT_ONCE = 50

/**
 * Cuts streams at random and resumes each with `Last-Event-ID`, until its execution ends, while the server is killed; some of
 * the models break off in the middle as well, and some executions are cancelled. Joined, the events of each must be
 * whole (P5).
 */
export async function tortureStreams({ seed, streams, kills, env = {} }: StreamsOptions): Promise<StreamsResult> {
  const began = performance.now()
  const random = new Random(seed)
  const folder = temporaryFolder()
  const model = await startModelProcess(seed)
  const start = () => startServer(folder, { OPENAI_BASE_URL: model.baseUrl, LOG_LEVEL: 'warn', ...env })
  const room: Room = { server: await start(), deployment: '', random, left: streams, unread: streams, cuts: 0, cancelled: 0 }
  const result = { retried: 0, broken: 0, killed: 0 }
  let example: string | undefined
  let killing = Promise.resolve()
  try {
    room.deployment = await deployAgents(room.server, [{ agent_id: 'a', config: { model: 'openai/tells' } }], {
      runtime_config: { max_retries: 20 },
    })
    const reader = async (): Promise<void> => {
      for (; room.left > 0; room.unread--) {
        room.left--
        const events: StreamedEvent[] = []
        const problem = (await readInParts(room, events)) ?? (await judge(room, events))
        if (problem) {
          result.broken++
          example ??= `${problem}: ${JSON.stringify(events)}`
        }
        if (events.some(({ data }) => data.type === 'retry')) result.retried++
      }
    }
    const killer = async (): Promise<void> => {
      for (; result.killed < kills && room.unread > 0; result.killed++) {
        await wait(random.between(100, 700))
        await room.server.kill()
        room.server = await start()
      }
    }
    killing = killer()
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, streams) }, reader)).finally(() => (room.unread = 0))
    await killing
    const { retried, broken, killed } = result
    const { cuts, cancelled } = room
    const seconds = Math.round((performance.now() - began) / 100) / 10
    return { torture: 'streams', seed, streams, kills: killed, cuts, retried, cancelled, broken, ...(example && { example }), seconds }
  } finally {
    // Whatever happened to a reader, no server is left behind.
    await killing
    await room.server.kill()
    await model.close()
    removeFolder(folder)
  }
}

interface Room {
  server: TestServer
  deployment: string
  random: Random
  /** Streams that nobody has begun to read. */
  left: number
  /** Streams that nobody has read to their end. */
  unread: number
  cuts: number
  cancelled: number
}

/** How long a stream may bring nothing new, also while the server is started again. */
const PATIENCE_MS = 30_000

/** @returns what went wrong before the last event */
async function readInParts(room: Room, events: StreamedEvent[]): Promise<string | undefined> {
  const { random } = room
  let news = performance.now()
  const cancelAfter = random.next() < 0.2 ? Math.floor(random.between(2, 5)) : Infinity
  for (let asked = false; ;) {
    const drawn = random.next() < 0.15 ? Infinity : Math.floor(random.between(1, 5))
    // Whoever will cancel reads no further than that, or the execution would often have ended before.
    const patience = asked ? drawn : Math.min(drawn, Math.max(1, cancelAfter - events.length))
    const before = events.length
    const over = await readPart(room, events, patience).catch(leftAlone)
    if (over) return over === true ? undefined : over
    if (events.length > before) {
      room.cuts++
      news = performance.now()
    }
    if (performance.now() - news > PATIENCE_MS) return 'it does not go on'
    if (!asked && events.length >= cancelAfter) asked = await cancel(room, events)
    if (random.next() < 0.3) await wait(random.between(0, 80))
  }
}

/** Adds events to those that are there, at most so many. @returns whether there are no more, or what is wrong */
async function readPart({ server: { url }, deployment }: Room, events: StreamedEvent[], patience: number): Promise<boolean | string> {
  const executionId = events[0]?.data.execution_id as string | undefined
  const cut = new AbortController()
  const response = await fetch(executionId ? `${url}/api/executions/${executionId}/events` : `${url}/api/workflows/execute/stream`, {
    ...(executionId
      ? { headers: { 'last-event-id': String(events.at(-1)!.id) } }
      : {
          method: 'POST',
          body: JSON.stringify({ deployment_name: deployment, query: 'tell' }),
          headers: { 'content-type': 'application/json' },
        }),
    signal: cut.signal,
  })
  if (response.status === 204) return true
  if (response.status !== 200) return `it was answered with ${response.status}: ${await response.text()}`
  let seen = 0
  await readEvents(response, (event) => {
    events.push(event)
    return ++seen >= patience
  })
  cut.abort()
  return isLast(events.at(-1))
}

async function cancel(room: Room, events: readonly StreamedEvent[]): Promise<boolean> {
  const { execution_id } = events[0]!.data
  const answer = await call(room.server.url, 'POST', `/api/executions/${execution_id}/cancel`).catch(leftAlone)
  // It may have ended before.
  if (answer && answer.status === 200) room.cancelled++
  return answer !== false
}

/** The server is being killed or started; anything else is a fault. */
async function leftAlone(error: unknown): Promise<false> {
  if (!(error instanceof TypeError)) throw error
  await wait(20)
  return false
}

function isLast(event: StreamedEvent | undefined): boolean {
  return event?.data.status === 'completed' || event?.data.status === 'error'
}

/** @returns what is wrong with the joined stream */
async function judge(room: Room, events: readonly StreamedEvent[]): Promise<string | undefined> {
  const { execution_id } = events[0]!.data
  const last = events.at(-1)!.data
  if (!events.every(({ id }, index) => id === index + 1)) return 'the ids have a gap or a repeat'
  const execution = await patiently(room, async (url) => (await call(url, 'GET', `/api/executions/${execution_id}`)).body)
  if (execution.ended_at === null) return 'the execution goes on after its last event'
  if (last.status === 'completed' && (remainingText(events) !== last.response || execution.response !== last.response))
    return 'the text is not the response'
  // So often may kills interrupt one step; and a cancel is no failure.
  if (last.status === 'error' && !['execution_cancelled', 'step_interrupted'].includes(last.code)) return 'the execution failed'
  const stored = await patiently(room, async (url) => readEvents(await fetch(`${url}/api/executions/${execution_id}/events`)))
  return JSON.stringify(stored.map(asSent)) === JSON.stringify(events.map(asSent)) ? undefined : 'it is not what is stored'
}

async function patiently<Value>(room: Room, ask: (url: string) => Promise<Value>): Promise<Value> {
  for (;;) {
    const value = await ask(room.server.url).catch(leftAlone)
    if (value !== false) return value
  }
}

/** Without the time at which it came in. */
function asSent({ id, data }: StreamedEvent) {
  return { id, data }
}
