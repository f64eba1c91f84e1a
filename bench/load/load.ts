import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Room } from '../room.ts'
import type { Job, LoadResult } from './generator.ts'

/** The requests that are sent: the same one all the time. */
export interface Request {
  path: string
  /** Without one it is a GET. */
  body?: unknown
}

/** The load generator, as the bench sees it. */
export class Load {
  readonly #generator: ChildProcess

  constructor(room: Room) {
    this.#generator = room.spawn(new URL('./generator.ts', import.meta.url))
  }

  async run(port: number, request: Request, options: { connections: number; seconds: number }): Promise<LoadResult> {
    const job: Job = { port, request: write(port, request), ...options }
    this.#generator.send(job)
    const [result] = (await once(this.#generator, 'message')) as [LoadResult]
    return result
  }
}

/** As it goes over the wire. */
export function write(port: number, { path, body }: Request): string {
  if (body === undefined) return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`
  const text = JSON.stringify(body)
  const head = [
    `POST ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(text)}`,
  ]
  return `${head.join('\r\n')}\r\n\r\n${text}`
}
