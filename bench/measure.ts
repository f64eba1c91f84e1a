import type { Contender, Figure, Target } from './figure.ts'
import type { Value } from './value.ts'
import type { LoadResult } from './load/generator.ts'
import type { Load } from './load/load.ts'
import { median } from './median.ts'
import type { Options } from './options.ts'
import type { Room } from './room.ts'

/** What every part of a bench works with. */
export interface Bench {
  room: Room
  load: Load
  options: Options
  say: (what: string) => void
}

export interface Round extends LoadResult {
  cpuMicrosPerRequest: number
  loopDelayP99Ms: number
  rssMedianBytes: number
  rssMaxBytes: number
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
  /** Resident memory during the load: the median of the rounds' medians, and the largest of all. */
  rssMedianBytes: number
  rssMaxBytes: number
  /** Of the rounds: the subject's requests per second as a share of this one's. 1 for the subject itself. */
  subjectShare: number
  errors: Record<string, number>
  rounds: Round[]
}

export interface Measured {
  figure: string
  lines: Line[]
  /** Contenders that could not be started on this machine, and why. */
  absent: Record<string, string>
  values: Value[]
}

/** The line of a contender, if it was measured with that many connections. */
export function lineOf({ lines }: Measured, { name }: Contender, connections: number): Line | undefined {
  return lines.find((line) => line.contender === name && line.connections === connections)
}

/** Until the compiler has seen what matters, a round measures the compiler. */
const WARM_UP_SECONDS = 2

interface Ready {
  contender: Contender
  target: Target
}

/** Measures a figure. All contenders take turns within each round, so that what disturbs the machine disturbs all. */
export async function measure(figure: Figure, { room, load, options, say }: Bench): Promise<Measured> {
  const absent: Record<string, string> = {}
  const ready: Ready[] = []
  for (const contender of [figure.subject, ...figure.beside]) {
    say(`${figure.name}: ${contender.name} starts`)
    const target = contender.prepare(room, options)
    if (contender === figure.subject) ready.push({ contender, target: await target })
    else await target.then((there) => ready.push({ contender, target: there })).catch((error) => (absent[contender.name] = String(error)))
  }
  for (const { target } of ready) await load.run(target.server.port, target.request, { connections: 32, seconds: WARM_UP_SECONDS })

  const seconds = Math.max(options.seconds, figure.leastSeconds ?? 0)
  const lines: Line[] = []
  for (const connections of options.connections.filter((count) => figure.connections?.includes(count) ?? true)) {
    const rounds = ready.map((): Round[] => [])
    for (let round = 0; round < options.rounds; round++) {
      say(`${figure.name}: ${connections} connections, round ${round + 1} of ${options.rounds}`)
      for (const [index, { target }] of ready.entries()) rounds[index]!.push(await runRound(load, target, connections, seconds))
    }
    lines.push(...ready.map(({ contender }, index) => toLine(contender, connections, rounds[index]!, rounds[0]!)))
  }

  await Promise.all(ready.map(({ target }) => target.server.stop()))
  const measured = { figure: figure.name, lines, absent, values: [] }
  return { ...measured, values: figure.judge(measured) }
}

async function runRound(load: Load, { server, request }: Target, connections: number, seconds: number): Promise<Round> {
  const before = await server.sample()
  const result = await load.run(server.port, request, { connections, seconds })
  const after = await server.sample()
  return {
    ...result,
    cpuMicrosPerRequest: (after.cpuMicros - before.cpuMicros) / result.answered,
    loopDelayP99Ms: after.loopDelayP99Ms,
    rssMedianBytes: median(after.rssHistory),
    rssMaxBytes: Math.max(...after.rssHistory),
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
    rssMedianBytes: medianOf((round) => round.rssMedianBytes),
    rssMaxBytes: Math.max(...rounds.map((round) => round.rssMaxBytes)),
    subjectShare: median(subjects.map((subject, index) => subject.requestsPerSecond / rounds[index]!.requestsPerSecond)),
    errors,
    rounds,
  }
}
