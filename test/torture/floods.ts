import { setTimeout as delay } from 'node:timers/promises'
import { write } from '../../bench/load/load.ts'
import { call } from '../support/api.ts'
import { removeFolder, startServer, temporaryFolder } from '../support/server.ts'
import { Flooder, floodKinds, type FloodKind, type FloodResult } from './flooder.ts'
import { HonestClients, type HonestResult } from './honest-clients.ts'
import { RssWatch } from './rss-watch.ts'

export interface FloodsOptions {
  /** How long each is measured. */
  seconds: number
  kinds?: readonly FloodKind[]
  /** A share of the connections of the whole torture. */
  share?: number
  env?: Record<string, string>
}

export interface FloodsResult {
  torture: 'floods'
  seconds: number
  /** How honest clients fared alone: before, between and after the floods. Milliseconds. */
  alone: HonestResult[]
  floods: (FloodResult & {
    kind: FloodKind
    connections: number
    honest: HonestResult
    /** The p99 of honest clients as a multiple of what it is alone. */
    slowdown: number
    /** Of the server, in MB, at its highest so far. */
    rssPeak: number
  })[]
  broken: string[]
}

/** How long the burst of connections is left alone that a flood begins with. Milliseconds. */
const SETTLED_AFTER_MS = 2_000

/** Floods the server with slow, unfinished and nonsensical requests. Honest clients are to notice hardly anything. */
export async function tortureByFloods({ seconds, kinds, share = 1, env = {} }: FloodsOptions): Promise<FloodsResult> {
  const folder = temporaryFolder()
  const server = await startServer(folder, { LOG_LEVEL: 'error', ...env })
  const honest = new HonestClients()
  const flooder = new Flooder()
  try {
    const { url } = server
    const port = Number(new URL(url).port)
    const configuration = { agents: [{ agent_id: 'echo', config: { model: 'demo/echo' } }] }
    const { workflow_id } = (await call(url, 'POST', '/api/workflows', { name: 'honest', configuration })).body
    await call(url, 'POST', `/api/workflows/${workflow_id}/deploy`, { deployment_name: 'honest' })
    const requests = [
      write(port, { path: '/api/workflows/execute', body: { deployment_name: 'honest', query: 'How are you?' } }),
      write(port, { path: '/api/workflows/deployments/honest' }),
    ]
    const serve = (meanwhile: Promise<unknown>): Promise<HonestResult> =>
      honest.during({ port, requests, clients: 6, pauseMs: 5, reconnects: true }, meanwhile)
    const rss = new RssWatch(server.process.pid!)
    // Until the compiler has seen what matters.
    await serve(delay(2_000))
    const alone = [await serve(delay(seconds * 1_000))]
    const floods: FloodsResult['floods'] = []
    for (const kind of kinds ?? (Object.keys(floodKinds) as FloodKind[])) {
      const connections = Math.ceil(floodKinds[kind].connections * share)
      await flooder.begin({ port, kind, connections })
      await delay(SETTLED_AFTER_MS * share)
      const beside = await serve(delay(seconds * 1_000))
      const result = await flooder.end()
      await delay(500)
      alone.push(await serve(delay(seconds * 1_000)))
      // The machine has others to serve as well, so what came before and after counts.
      const usual = Math.max(alone.at(-2)!.p99, alone.at(-1)!.p99)
      const slowdown = Math.round((100 * beside.p99) / usual) / 100
      floods.push({ kind, connections, ...result, honest: beside, slowdown, rssPeak: rss.peak })
    }
    rss.stop()
    const hasEnded = server.process.exitCode !== null || server.process.signalCode !== null
    const broken = [
      ...(hasEnded ? [`the server ended: ${server.output().slice(-2_000)}`] : []),
      ...floods.flatMap((flood) =>
        Object.entries(flood.honest.failures).map(([what, count]) => `${flood.kind}: honest clients got ${what} ${count} times`),
      ),
      ...server
        .output()
        .split('\n')
        .filter((line) => /"level":[56]0/.test(line))
        .map((line) => `logged as a fault: ${line.slice(0, 500)}`),
    ]
    return { torture: 'floods', seconds, alone, floods, broken }
  } finally {
    honest.stop()
    flooder.stop()
    await server.kill()
    removeFolder(folder)
  }
}
