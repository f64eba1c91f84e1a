import { deployAgent, startAgentStudio } from './agent-studio.ts'
import { call } from './call.ts'
import { median } from './median.ts'
import type { Room } from './room.ts'

/** Milliseconds from the start of the process; medians. */
export interface ColdStart {
  /** In an empty folder, until `GET /hc` is answered. */
  newListeningMs: number
  /** With a database that is there, until `GET /hc` is answered. */
  listeningMs: number
  /** … until an execution of an echo is answered. */
  firstAnswerMs: number
  /** Resident memory when it listens. */
  idleRssBytes: number
}

export async function measureColdStart(room: Room, rounds: number): Promise<ColdStart> {
  const starts: ColdStart[] = []
  for (let round = 0; round < rounds; round++) starts.push(await startTwice(room))
  const medianOf = (pick: (start: ColdStart) => number): number => median(starts.map(pick))
  return {
    newListeningMs: medianOf((start) => start.newListeningMs),
    listeningMs: medianOf((start) => start.listeningMs),
    firstAnswerMs: medianOf((start) => start.firstAnswerMs),
    idleRssBytes: medianOf((start) => start.idleRssBytes),
  }
}

async function startTwice(room: Room): Promise<ColdStart> {
  const folder = room.makeFolder()
  const first = await startListening(room, folder)
  const echo = await deployAgent(first.server.port, 'echo', 'demo/echo')
  await first.server.stop()

  const second = await startListening(room, folder)
  await call(second.server.port, 'POST', echo.path, echo.body)
  const firstAnswerMs = performance.now() - second.began
  const { rssBytes } = await second.server.sample()
  await second.server.stop()
  return { newListeningMs: first.listeningMs, listeningMs: second.listeningMs, firstAnswerMs, idleRssBytes: rssBytes }
}

async function startListening(room: Room, folder: string) {
  const began = performance.now()
  const server = await startAgentStudio(room, folder)
  await call(server.port, 'GET', '/hc')
  return { server, began, listeningMs: performance.now() - began }
}
