import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { startProcess } from './load-process.ts'

export interface HonestWork {
  port: number
  /** Whole HTTP requests; each client sends them in turn. */
  requests: string[]
  clients: number
  /** Milliseconds that a client waits between an answer and its next request. */
  pauseMs: number
  /** Every other client makes a new connection for each request. */
  reconnects: boolean
}

export interface HonestResult {
  answered: number
  p50: number
  p99: number
  max: number
  /** Answers that were not 2xx, and connections that failed. */
  failures: Record<string, number>
}

/** Clients in a process of their own, who ask for something now and then and note how long it takes. */
export class HonestClients {
  readonly #process: ChildProcess

  constructor() {
    this.#process = startProcess('honest-clients-main.ts')
  }

  /** How it goes for them while this lasts. */
  async during(work: HonestWork, meanwhile: Promise<unknown>): Promise<HonestResult> {
    this.#process.send(work)
    await meanwhile
    this.#process.send('enough')
    const [result] = (await once(this.#process, 'message')) as [HonestResult]
    return result
  }

  stop(): void {
    this.#process.kill()
  }
}
