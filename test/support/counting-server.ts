import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Counts what it is asked, and holds its answers to some of it, in another process than the one that is killed. */
export interface CountingServer {
  readonly url: string
  /** Paths, each as often as it came. */
  readonly calls: { path: string; key: string | undefined }[]
  count(path: string): number
  /** From now on these get no answer. */
  hold(...paths: string[]): void
  /** Answers what is held, and all that comes. */
  release(): void
  close(): Promise<void>
}

/** @param answer the JSON for a path; by default the path's last part. A number is a status. */
export async function startCountingServer(answer: (path: string, times: number) => unknown = lastPart): Promise<CountingServer> {
  const calls: CountingServer['calls'] = []
  const held = new Set<string>()
  const waiting = new Set<() => void>()
  const server = createServer((request, response) => {
    const path = request.url!
    const key = request.headers['idempotency-key'] ?? request.headers['webhook-id']
    calls.push({ path, key: key === undefined ? undefined : String(key) })
    const times = counting.count(path)
    const say = (): void => send(response, answer(path, times))
    request.resume()
    if (held.has(path)) waiting.add(say)
    else say()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const counting: CountingServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    count: (path) => calls.filter((call) => call.path === path).length,
    hold: (...paths) => {
      for (const path of paths) held.add(path)
    },
    release: () => {
      held.clear()
      for (const say of waiting) say()
      waiting.clear()
    },
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return counting
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function send(response: ServerResponse, answer: unknown): void {
  if (response.destroyed) return
  response.writeHead(typeof answer === 'number' ? answer : 200, { 'content-type': 'application/json' })
  response.end(typeof answer === 'number' ? '{}' : JSON.stringify(answer))
}
