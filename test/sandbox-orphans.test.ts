import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach, describe, it, vi } from 'vitest'
import { childrenOf, isRunning } from './support/child-processes.ts'

const situations: [title: string, processes: number, source: string | undefined][] = [
  ['waits for a program', 1, undefined],
  ['starts', 1, 'starting'],
  ['is in an endless loop', 2, 'for (;;);'],
  ['is in a regular expression that nothing interrupts', 2, `return /^(a+)+$/.test('a'.repeat(60) + 'b')`],
  ['awaits without end', 2, 'for (;;) await null'],
]

let host: ChildProcess | undefined
let children: number[] = []

afterEach(() => {
  host?.kill('SIGKILL')
  // Where the test has failed they are still there.
  for (const child of children.filter(isRunning)) process.kill(child, 'SIGKILL')
})

async function startHost(processes: number, source: string | undefined): Promise<void> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'support/sandbox-host.ts'), ...(source === undefined ? [] : [source])], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  host = child
  await once(child.stdout, 'data')
  children = await vi.waitUntil(
    () => {
      const found = childrenOf(child.pid!)
      return found.length === processes ? found : undefined
    },
    { timeout: 10_000, interval: 20 },
  )
}

describe('a process of the sandbox', () => {
  it.each(situations)('that %s ends when the server is killed', async (_title, processes, source) => {
    await startHost(processes, source)
    host!.kill('SIGKILL')
    await once(host!, 'exit')
    await vi.waitUntil(() => !children.some(isRunning), { timeout: 5_000, interval: 20 })
  })
})
