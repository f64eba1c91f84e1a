// npm run torture -- kill [--seed N] [--kills N] [--clients N]: prints one line of JSON, exit code 1 if a promise is broken.
import { parseArgs } from 'node:util'
import { tortureByKilling } from './kill.ts'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    kills: { type: 'string', default: '200' },
    clients: { type: 'string', default: '16' },
  },
})

if (positionals.join() !== 'kill') {
  console.error('usage: npm run torture -- kill [--seed N] [--kills N] [--clients N]')
  process.exit(2)
}
const result = await tortureByKilling({ seed: Number(values.seed), kills: Number(values.kills), clients: Number(values.clients) })
console.log(JSON.stringify(result))
process.exitCode = result.lost + result.repeated + result.excessive + result.unfinished > 0 ? 1 : 0
