import type { Contender, Figure, Target } from './figure.ts'
import type { LoadResult } from './load/generator.ts'
import type { Load } from './load/load.ts'
import { median } from './median.ts'
import type { Options } from './options.ts'
import type { Room } from './room.ts'

export interface Round extends LoadResult {
  cpuMicrosPerRequest: number
  loopDelayP99Ms: number
}

/** Medians of the rounds of one contender at one number of connections. */
export interface Line {
  contender: string
  connections: number
  requestsPerSecond: number
  p50Ms: number
  p99Ms: number
  cpuMicrosPerRequest: number
  loopDelayP99Ms: number
  /** Of the rounds: the subject's requests per second as a share of this one's. 1 for the subject itself. */
  subjectShare: number
  errors: Record<string, number>
  rounds: Round[]
}

export interface Measured {
  figure: string
  lines: Line[]
  /** Resident memory of each contender at the end, in bytes. */
  rssBytes: Record<string, number>
}

interface Ready {
  contender: Contender
  target: Target
}

/** Measures a figure. All contenders take turns within each round, so that what disturbs the machine disturbs all. */
export async function measure(figure: Figure, load: Load, room: Room, options: Options, say: (what: string) => void): Promise<Measured> {
  const ready: Ready[] = []
  for (const contender of [figure.subject, ...figure.beside]) {
    say(`${figure.name}: ${contender.name} starts`)
    ready.push({ contender, target: await contender.prepare(room) })
  }
  // Until the compiler has seen what matters, a round measures the compiler.
  for (const { target } of ready) await load.run(target.server.port, target.request, { connections: 32, seconds: options.seconds })

  const lines: Line[] = []
  for (const connections of options.connections) {
    const rounds = ready.map((): Round[] => [])
    for (let round = 0; round < options.rounds; round++) {
      say(`${figure.name}: ${connections} connections, round ${round + 1} of ${options.rounds}`)
      for (const [index, { target }] of ready.entries()) rounds[index]!.push(await runRound(load, target, connections, options.seconds))
    }
    lines.push(...ready.map(({ contender }, index) => toLine(contender, connections, rounds[index]!, rounds[0]!)))
  }

  const rssBytes: Record<string, number> = {}
  for (const { contender, target } of ready) rssBytes[contender.name] = (await target.server.sample()).rssBytes
  await Promise.all(ready.map(({ target }) => target.server.stop()))
  return { figure: figure.name, lines, rssBytes }
}

async function runRound(load: Load, { server, request }: Target, connections: number, seconds: number): Promise<Round> {
  const before = await server.sample()
  const result = await load.run(server.port, request, { connections, seconds })
  const after = await server.sample()
  return {
    ...result,
    cpuMicrosPerRequest: (after.cpuMicros - before.cpuMicros) / result.answered,
    loopDelayP99Ms: after.loopDelayP99Ms,
  }
}

function toLine(contender: Contender, connections: number, rounds: Round[], subjects: Round[]): Line {
  const medianOf = (pick: (round: Round) => number): number => median(rounds.map(pick))
  const errors: Record<string, number> = {}
  for (const round of rounds) for (const [what, count] of Object.entries(round.errors)) errors[what] = (errors[what] ?? 0) + count
  return {
    contender: contender.name,
    connections,
    requestsPerSecond: medianOf((round) => round.requestsPerSecond),
    p50Ms: medianOf((round) => round.p50Ms),
    p99Ms: medianOf((round) => round.p99Ms),
    cpuMicrosPerRequest: medianOf((round) => round.cpuMicrosPerRequest),
    loopDelayP99Ms: medianOf((round) => round.loopDelayP99Ms),
    subjectShare: median(subjects.map((subject, index) => subject.requestsPerSecond / rounds[index]!.requestsPerSecond)),
    errors,
    rounds,
  }
}
