// npm run torture -- <name> [--seed N] [--rounds N]: prints one line of JSON; exit code 1 when a promise was broken.
import { parseArgs } from 'node:util'
import { tortureByKilling } from './kill.ts'
import { tortureLinearizability } from './linearize.ts'
import { tortureStreams } from './streams.ts'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string', default: String(Date.now() % 1_000_000) }, rounds: { type: 'string', default: '200' } },
})
const seed = Number(values.seed)
const rounds = Number(values.rounds)

const tortures: Record<string, () => Promise<{ result: object; kept: boolean }>> = {
  kill: async () => {
    const result = await tortureByKilling({ seed, kills: rounds, clients: 16 })
    return { result, kept: result.lost + result.repeated + result.excessive + result.unfinished === 0 }
  },
  linearize: async () => {
    const result = await tortureLinearizability({ seed, histories: rounds })
    return { result, kept: result.linearizable === result.histories }
  },
  streams: async () => {
    const result = await tortureStreams({ seed, streams: rounds })
    return { result, kept: result.broken === 0 }
  },
}

const torture = positionals.length === 1 ? tortures[positionals[0]!] : undefined
if (!torture) {
  console.error(`usage: npm run torture -- ${Object.keys(tortures).join('|')} [--seed N] [--rounds N]`)
  process.exit(2)
}
const { result, kept } = await torture()
console.log(JSON.stringify(result))
process.exitCode = kept ? 0 : 1
