// A process that runs programs in a sandbox, to be killed: the one that it is given, twice.
import { ProcessPool } from '../../src/sandbox/process-pool.ts'

const [source] = process.argv.slice(2)
const pool = new ProcessPool({ processes: 3, onTrouble: (reason) => console.error(reason) })
const run = (tenant: string, text: string): Promise<unknown> =>
  pool.run({ source: text, scope: {}, now: 0, seed: '', tenant, timeoutMs: 60_000 }, new AbortController().signal)

if (source === 'starting') void run('first', 'return 1')
else {
  await run('first', 'return 1')
  if (source !== undefined) for (const tenant of ['one', 'other']) void run(tenant, source)
}
console.log('ready')
setInterval(() => {}, 60_000)
