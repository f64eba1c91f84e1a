// npm run torture -- <name> [--seed N] [--rounds N | --requests N | --seconds N]: prints one line of JSON; exit code 1 when a promise was broken.
import { parseArgs } from 'node:util'
import { tortureByBadWrites } from './bad-writes.ts'
import { tortureByFullDisk } from './disk.ts'
import { tortureByFailingDisk } from './failing-disk.ts'
import { tortureByFloods } from './floods.ts'
import { tortureByFuzzing } from './fuzz.ts'
import { tortureByKilling } from './kill.ts'
import { tortureLinearizability } from './linearize.ts'
import { tortureByModels } from './models.ts'
import { tortureByOverload } from './overload.ts'
import { tortureByRedeploys } from './redeploys.ts'
import { tortureStreams } from './streams.ts'
import { tortureWal } from './wal.ts'
import { tortureWrites } from './writes.ts'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    rounds: { type: 'string' },
    requests: { type: 'string', default: '1000000' },
    seconds: { type: 'string', default: '60' },
  },
})
const seed = Number(values.seed)
/** @param usual how many it are when nothing is said */
const rounds = (usual: number): number => (values.rounds === undefined ? usual : Number(values.rounds))

const tortures: Record<string, () => Promise<{ result: object; kept: boolean }>> = {
  kill: async () => {
    const kills = rounds(200)
    const result = await tortureByKilling({ seed, kills, stops: Math.ceil(kills / 10), clients: 16 })
    const { lost, repeated, excessive, unfinished, disorderly } = result
    return { result, kept: lost + repeated + excessive + unfinished + disorderly === 0 }
  },
  linearize: async () => {
    const result = await tortureLinearizability({ seed, histories: rounds(200) })
    return { result, kept: result.linearizable === result.histories }
  },
  streams: async () => {
    const streams = rounds(1_000)
    const result = await tortureStreams({ seed, streams, kills: Math.ceil(streams / 50) })
    return { result, kept: result.broken === 0 }
  },
  redeploys: async () => {
    const result = await tortureByRedeploys({ seed, redeploys: rounds(1_000), clients: 32 })
    return { result, kept: result.broken.length === 0 }
  },
  // Rounds are not asked for: it ends with the scenario.
  writes: async () => {
    const result = await tortureWrites({ seed, every: 1 })
    return { result, kept: result.broken.length === 0 }
  },
  'bad-writes': async () => {
    const result = await tortureByBadWrites({ seed, rounds: rounds(100) })
    return { result, kept: result.victims + result.halves === 0 }
  },
  disk: async () => {
    const result = await tortureByFullDisk({ seed, rounds: rounds(20) })
    return { result, kept: result.broken.length === 0 }
  },
  'failing-disk': async () => {
    const result = await tortureByFailingDisk({ seed, rounds: rounds(50) })
    return { result, kept: result.broken.length + result.repeated + result.excessive === 0 }
  },
  wal: async () => {
    const result = await tortureWal({ seed, rounds: rounds(140) })
    return { result, kept: result.broken.length === 0 }
  },
  fuzz: async () => {
    const result = await tortureByFuzzing({ seed, requests: Number(values.requests) })
    return { result, kept: result.broken.length === 0 }
  },
  floods: async () => {
    const result = await tortureByFloods({ seconds: Math.ceil(Number(values.seconds) / 6) })
    return { result, kept: result.broken.length === 0 && result.floods.every(({ slowdown }) => slowdown < 2) }
  },
  overload: async () => {
    const result = await tortureByOverload({ seconds: Number(values.seconds) })
    return { result, kept: result.broken.length === 0 && result.kept >= 0.8 && result.refused.p99 <= 100 }
  },
  models: async () => {
    const result = await tortureByModels({ seed, rounds: rounds(5) })
    return { result, kept: result.broken.length === 0 }
  },
}

const torture = positionals.length === 1 ? tortures[positionals[0]!] : undefined
if (!torture) {
  console.error(`usage: npm run torture -- ${Object.keys(tortures).join('|')} [--seed N] [--rounds N | --requests N | --seconds N]`)
  process.exit(2)
}
const { result, kept } = await torture()
console.log(JSON.stringify(result))
process.exitCode = kept ? 0 : 1
