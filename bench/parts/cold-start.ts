import { agentOf, deploy, startAgentStudio } from '../agent-studio.ts'
import { call } from '../call.ts'
import { median } from '../median.ts'
import type { Part } from '../part.ts'
import type { Room } from '../room.ts'
import { toMegabytes } from '../value.ts'

/** Milliseconds from the start of the process, or bytes. */
interface Start {
  listeningMs: number
  firstAnswerMs: number
  idleRssBytes: number
}

/** From nothing to the first answer of an execution, in a new folder (which includes a deploy) and on a database that is there. */
export const coldStart: Part = {
  name: 'cold start',
  measure: async ({ room, options, say }) => {
    const starts: { first: Start; second: Start }[] = []
    for (let round = 0; round < options.rounds; round++) {
      say(`cold start: round ${round + 1} of ${options.rounds}`)
      starts.push(await startTwice(room))
    }
    const medianOf = (pick: (start: (typeof starts)[number]) => number): number => median(starts.map(pick))
    return [
      { what: 'new folder, until it listens', value: medianOf(({ first }) => first.listeningMs), unit: 'ms' },
      { what: '… until the first answer', value: medianOf(({ first }) => first.firstAnswerMs), unit: 'ms', atMost: 500 },
      { what: 'second start, until it listens', value: medianOf(({ second }) => second.listeningMs), unit: 'ms' },
      { what: '… until the first answer', value: medianOf(({ second }) => second.firstAnswerMs), unit: 'ms', atMost: 500 },
      { what: 'resident memory then', value: toMegabytes(medianOf(({ second }) => second.idleRssBytes)), unit: 'MB' },
    ]
  },
}

async function startTwice(room: Room): Promise<{ first: Start; second: Start }> {
  const folder = room.makeFolder()
  const first = await start(room, folder, (port) => deploy(port, 'echo', agentOf('demo/echo')))
  return { first, second: await start(room, folder, () => Promise.resolve(first.request)) }
}

async function start(room: Room, folder: string, prepare: (port: number) => ReturnType<typeof deploy>) {
  const began = performance.now()
  // A process that ends by itself leaves its compiled modules for the next start.
  const server = await startAgentStudio(room, folder, { endWith: 'SIGTERM' })
  await call(server.port, 'GET', '/hc')
  const listeningMs = performance.now() - began
  const request = await prepare(server.port)
  await call(server.port, 'POST', request.path, request.body)
  const firstAnswerMs = performance.now() - began
  const { rssBytes: idleRssBytes } = await server.sample()
  await server.stop()
  return { listeningMs, firstAnswerMs, idleRssBytes, request }
}
