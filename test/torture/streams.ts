import { readEvents, remainingText, type StreamedEvent } from '../support/api.ts'
import { startScriptedModel } from '../support/scripted-model.ts'
import { removeFolder, startServer, temporaryFolder } from '../support/server.ts'
import { deployAgents } from '../support/workflows.ts'
import { Random } from './random.ts'

export interface StreamsOptions {
  seed: number
  streams: number
}

export interface StreamsResult {
  torture: 'streams'
  seed: number
  streams: number
  /** Connections that were cut, and gone on with from another one. */
  cuts: number
  /** Streams in which a model's text was taken back. */
  retried: number
  /** Streams that, joined, have a gap, a repeat, or a text that is not the response. */
  broken: number
  seconds: number
}

const AT_ONCE = 50

/**
 * Cuts streams at random and resumes each with `Last-Event-ID`, until its execution ends; some of the models break off
 * in the middle as well. Joined, the events of each must be whole (P5).
 */
export async function tortureStreams({ seed, streams }: StreamsOptions): Promise<StreamsResult> {
  const began = performance.now()
  const random = new Random(seed)
  const folder = temporaryFolder()
  const model = await startScriptedModel()
  model.always(() => ({
    pieces: Array.from({ length: 5 + Math.floor(random.next() * 20) }, (_, index) => `${index} – 🎈 `),
    delayMs: Math.floor(random.between(0, 12)),
    ...(random.next() < 0.15 && { breakAfter: 3 }),
  }))
  const server = await startServer(folder, { OPENAI_BASE_URL: model.baseUrl })
  const result: StreamsResult = { torture: 'streams', seed, streams, cuts: 0, retried: 0, broken: 0, seconds: 0 }
  try {
    const agent = { agent_id: 'a', config: { model: 'gpt-4o' } }
    const name = await deployAgents(server, [agent], { runtime_config: { max_retries: 20 } })
    let left = streams
    const reader = async (): Promise<void> => {
      while (left-- > 0) {
        const events = await readInParts(server.url, name, random, () => result.cuts++)
        if (!isWhole(events)) result.broken++
        if (events.some(({ data }) => data.type === 'retry')) result.retried++
      }
    }
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, streams) }, reader))
    result.seconds = Math.round((performance.now() - began) / 100) / 10
    return result
  } finally {
    await server.kill()
    await model.close()
    removeFolder(folder)
  }
}

async function readInParts(url: string, deployment_name: string, random: Random, noteCut: () => void): Promise<StreamedEvent[]> {
  const body = JSON.stringify({ deployment_name, query: 'tell' })
  const events: StreamedEvent[] = []
  for (;;) {
    const executionId = events[0]?.data.execution_id as string | undefined
    const cut = new AbortController()
    const response = await fetch(executionId ? `${url}/api/executions/${executionId}/events` : `${url}/api/workflows/execute/stream`, {
      ...(executionId
        ? { headers: { 'last-event-id': String(events.at(-1)!.id) } }
        : { method: 'POST', body, headers: { 'content-type': 'application/json' } }),
      signal: cut.signal,
    })
    if (response.status === 204) return events
    const patience = random.next() < 0.15 ? Infinity : Math.floor(random.between(1, 5))
    let seen = 0
    const part = await readEvents(response, () => ++seen >= patience)
    cut.abort()
    events.push(...part)
    if (isLast(events.at(-1))) return events
    noteCut()
    if (random.next() < 0.3) await new Promise((resolve) => setTimeout(resolve, random.between(0, 80)))
  }
}

function isLast(event: StreamedEvent | undefined): boolean {
  return event?.data.status === 'completed' || event?.data.status === 'error'
}

function isWhole(events: readonly StreamedEvent[]): boolean {
  const last = events.at(-1)!.data
  return events.every(({ id }, index) => id === index + 1) && last.status === 'completed' && remainingText(events) === last.response
}
