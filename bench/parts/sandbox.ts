import { ProcessPool } from '../../src/sandbox/process-pool.ts'
import type { Program } from '../../src/sandbox/sandbox.ts'
import { median } from '../median.ts'
import type { Part } from '../part.ts'
import type { Value } from '../value.ts'

const WARM_UP = 20
const PROGRAMS = 500
/** For the starts, each of which is a process. */
const ROUNDS = 5

const program: Program = {
  source: 'return { total: input.items.filter((item) => item.price > 10).reduce((sum, item) => sum + item.price, 0) }',
  scope: { input: { items: Array.from({ length: 20 }, (_, index) => ({ id: index, price: index })) } },
  now: 0,
  seed: 'bench',
  tenant: 'bench',
}
const never = new AbortController().signal

async function time(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

/** Users' JavaScript, without the engine around it: one program after the other in a process that is ready, and until the first one is answered. */
export const sandbox: Part = {
  name: 'sandbox',
  measure: async ({ say }) => {
    const starts: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      say(`sandbox: start ${round + 1} of ${ROUNDS}`)
      const pool = new ProcessPool({ processes: 1 })
      starts.push(await time(() => pool.run(program, never)))
      await pool.close()
    }
    say('sandbox: programs')
    return [...(await measureWarm()), { what: 'the first program, with the start of its process', value: median(starts), unit: 'ms' }]
  },
}

async function measureWarm(): Promise<Value[]> {
  const pool = new ProcessPool({ processes: 1 })
  for (let run = 0; run < WARM_UP; run++) await pool.run(program, never)
  const times: number[] = []
  for (let run = 0; run < PROGRAMS; run++) times.push(await time(() => pool.run(program, never)))
  await pool.close()
  const p99 = times.toSorted((a, b) => a - b)[Math.ceil(times.length * 0.99) - 1]
  return [
    { what: 'a program, warm', value: median(times), unit: 'ms', atMost: 5 },
    { what: '… p99', value: p99, unit: 'ms' },
  ]
}
