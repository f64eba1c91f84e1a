import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { ShortLived } from './short-lived.ts'

const run = promisify(execFile)
const modules = { ShortLived: new URL('short-lived.ts', import.meta.url).href }

/** Bytes that 20,000 entries of 4 kB leave in the old generation, of which 32 are there at any time. */
async function left(made: string): Promise<number> {
  const script = `
    import v8 from 'node:v8'
    import { setImmediate as turn } from 'node:timers/promises'
    import { ShortLived } from '${modules.ShortLived}'
    const entries = new ${made}()
    const old = () => v8.getHeapSpaceStatistics().find((space) => space.space_name === 'old_space').space_used_size
    const comeAndGo = async (count) => {
      for (let i = 0; i < count; i++) {
        entries.set('entry ' + i, { content: new Array(500).fill(i) })
        entries.delete('entry ' + (i - 32))
        if (i % 32 === 0) await turn()
      }
    }
    await comeAndGo(2_000)
    globalThis.gc()
    const before = old()
    await comeAndGo(20_000)
    console.log(old() - before)`
  const flags = [
    '--expose-gc',
    '--max-semi-space-size=1',
    '--initial-old-space-size=400',
    '--no-allocation-site-pretenuring',
    '--input-type=module',
  ]
  return Number((await run(process.execPath, [...flags, '--eval', script])).stdout)
}

describe('a table of what is short-lived', () => {
  it('has what was set and not deleted, in the order in which it came', () => {
    const table = new ShortLived<{ of: string }>()
    for (const id of ['b', '__proto__', 'a', 'c']) table.set(id, { of: id })
    table.delete('a')
    table.delete('nobody')
    table.set('b', { of: 'b, again' })
    expect(table.size).toBe(3)
    expect(table.keys()).toEqual(['b', '__proto__', 'c'])
    expect(table.values()).toEqual([{ of: 'b, again' }, { of: '__proto__' }, { of: 'c' }])
    expect([table.has('a'), table.get('a'), table.has('toString')]).toEqual([false, undefined, false])
  })

  it('leaves nothing of it to the slow collections of garbage, which a Map does', async () => {
    const [map, table] = await Promise.all([left('Map'), left('ShortLived')])
    expect(map).toBeGreaterThan(10_000_000)
    expect(table).toBeLessThan(4_000_000)
  })
})
