import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { startProcess } from './load-process.ts'

/** What floods the server. */
export interface Flood {
  port: number
  kind: FloodKind
  connections: number
}

export const floodKinds = {
  /** A byte of a head now and then. */
  'slow heads': { connections: 6_000 },
  /** A byte of a small body now and then. */
  'slow bodies': { connections: 3_000 },
  /** All but the last byte of bodies as large as they may be. */
  'unfinished large bodies': { connections: 60 },
  /** Bodies whose bytes come one by one, as quickly as they can. */
  crumbs: { connections: 2 },
  /** Connections that say nothing. */
  silence: { connections: 6_000 },
  /** Large answers that nobody takes in. */
  'unread answers': { connections: 300 },
  /** Bytes that are no HTTP, from new connections all the time. */
  nonsense: { connections: 20 },
} as const

export type FloodKind = keyof typeof floodKinds

export interface FloodResult {
  /** Connections that were made, and those that the server ended. */
  made: number
  ended: number
}

/** A process that floods the server until it is told to stop. */
export class Flooder {
  readonly #process: ChildProcess = startProcess('flooder-main.ts')

  async begin(flood: Flood): Promise<void> {
    this.#process.send(flood)
    await once(this.#process, 'message')
  }

  async end(): Promise<FloodResult> {
    this.#process.send('enough')
    const [result] = (await once(this.#process, 'message')) as [FloodResult]
    return result
  }

  stop(): void {
    this.#process.kill()
  }
}
