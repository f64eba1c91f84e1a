import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { deploy, executeRequest, startAgentStudio } from '../agent-studio.ts'
import { call } from '../call.ts'
import { write } from '../load/load.ts'
import type { Watching } from '../load/watchers.ts'
import type { Part } from '../part.ts'
import type { ServerProcess } from '../room.ts'
import type { Memory } from '../sample.ts'
import { toKilobytes } from '../value.ts'

const STREAMS = 1_000
/** Executions that are started at the same time. */
const AT_ONCE = 50
/** How long the operating system has to take back what a collection has freed. */
const SETTLE_MS = 500

const slow = {
  agents: [{ agent_id: 'slow', config: { model: 'demo/assistant', system_prompt: 'You take 600 seconds.' } }],
  connections: [],
}

/** A thousand executions that take their time, and then a stream of each, to a process of its own. */
export const openStreams: Part = {
  name: `${STREAMS} open streams`,
  measure: async ({ room, say }) => {
    // There is no load before, since what that had freed would hide what the streams take; and the young generation of the
    // heap stays small, since what it grows by at any load would count as theirs.
    const server = await startAgentStudio(room, room.makeFolder(), { flags: ['--expose-gc', '--max-semi-space-size=1'] })
    await deploy(server.port, 'slow', slow)

    const idle = await settled(server)
    say(`${STREAMS} open streams: executions start`)
    const ids = await startExecutions(server.port)
    const running = await settled(server)
    say(`${STREAMS} open streams: streams open`)
    const watchers = room.spawn(new URL('../load/watchers.ts', import.meta.url))
    await watch(watchers, { port: server.port, requests: ids.map((id) => write(server.port, { path: `/api/executions/${id}/events` })) })
    const watched = await settled(server)
    await server.stop()

    const each = (after: Memory, before: Memory, pick: (memory: Memory) => number): number =>
      toKilobytes((pick(after) - pick(before)) / STREAMS)
    return [
      { what: 'resident memory for each stream', value: each(watched, running, ({ rssBytes }) => rssBytes), unit: 'kB', atMost: 40 },
      { what: '… of it heap', value: each(watched, running, ({ heapBytes }) => heapBytes), unit: 'kB', atMost: 40 },
      {
        what: 'resident memory for each execution that waits for its model',
        value: each(running, idle, ({ rssBytes }) => rssBytes),
        unit: 'kB',
      },
      { what: '… of it heap', value: each(running, idle, ({ heapBytes }) => heapBytes), unit: 'kB' },
    ]
  },
}

async function startExecutions(port: number): Promise<string[]> {
  const { path, body } = executeRequest('slow')
  const ids: string[] = []
  while (ids.length < STREAMS) {
    const started = await Promise.all(Array.from({ length: AT_ONCE }, () => call(port, 'POST', `${path}/async`, body)))
    ids.push(...started.map(({ execution_id }) => String(execution_id)))
  }
  return ids
}

async function watch(watchers: ChildProcess, watching: Watching): Promise<void> {
  watchers.send(watching)
  const [message] = (await once(watchers, 'message')) as [string]
  if (message !== 'watching') throw new Error(message)
}

async function settled(server: ServerProcess): Promise<Memory> {
  await server.memory()
  await delay(SETTLE_MS)
  return server.memory()
}
