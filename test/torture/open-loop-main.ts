// The process that sends requests at a rate of its own, whether answers come or not, as the world does.
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { Connection } from '../../bench/load/connection.ts'
import type { Latency, OpenLoad, OpenLoadResult } from './open-loop.ts'

/** How long an answer may take that is awaited at the end. */
const PATIENCE_MS = 15_000
const TICK_MS = 1
/** Connections that are made at the same time: beyond a burst one measures the queue of the operating system. */
const CONNECT_AT_ONCE = 50

class OpenLoop {
  readonly #job: OpenLoad
  readonly #request: Buffer
  readonly #latencies = new Map<number, RecordableHistogram>()
  readonly #perSecond: number[]
  readonly #broken: Record<string, number> = {}
  /** Connections over which nothing is sent at the moment. */
  readonly #free: (() => void)[] = []
  #busy = 0
  #began = Infinity
  /** When the next request is due. */
  #due = 0

  constructor(job: OpenLoad) {
    this.#job = job
    this.#request = Buffer.from(job.request)
    this.#perSecond = Array<number>(job.seconds).fill(0)
  }

  async run(): Promise<OpenLoadResult> {
    await this.#connect()
    const { rate, seconds } = this.#job
    let unsent = 0
    this.#began = this.#due = performance.now()
    const end = this.#began + seconds * 1_000
    for (let now = this.#began; now < end; now = performance.now()) {
      for (; this.#due <= now; this.#due += 1_000 / rate) {
        const send = this.#free.pop()
        if (send) send()
        else unsent++
      }
      await delay(TICK_MS)
    }
    await this.#settled(0)
    const statuses = Object.fromEntries([...this.#latencies].map(([status, latency]) => [status, toLatency(latency)]))
    return { statuses, broken: this.#broken, unsent, unanswered: this.#busy, perSecond: this.#perSecond }
  }

  async #connect(): Promise<void> {
    for (let made = 0; made < this.#job.connections; made++) {
      this.#open()()
      await this.#settled(CONNECT_AT_ONCE)
    }
    await this.#settled(0)
  }

  async #settled(busy: number): Promise<void> {
    const late = performance.now() + PATIENCE_MS
    while (this.#busy > busy && performance.now() < late) await delay(TICK_MS)
  }

  /** @returns what sends a request over it, once the one before is answered */
  #open(): () => void {
    let due = 0
    const connection = new Connection({
      port: this.#job.port,
      request: this.#request,
      onAnswer: (status) => {
        this.#note(status, due)
        this.#busy--
        this.#free.push(send)
      },
      onBreak: (error) => {
        this.#broken[error] = (this.#broken[error] ?? 0) + 1
        this.#busy--
        this.#free.push(send)
      },
    })
    const send = (): void => {
      this.#busy++
      due = this.#due
      connection.send()
    }
    return send
  }

  #note(status: number, due: number): void {
    // What was sent before it began was only to connect.
    if (due < this.#began) return
    const now = performance.now()
    let latency = this.#latencies.get(status)
    if (!latency) this.#latencies.set(status, (latency = createHistogram()))
    latency.record(Math.max(1, Math.round((now - due) * 1_000)))
    const second = Math.floor((now - this.#began) / 1_000)
    if (status < 300 && second < this.#perSecond.length) this.#perSecond[second]!++
  }
}

function toLatency(micros: RecordableHistogram): Latency {
  const ms = (value: number): number => Math.round(value / 100) / 10
  return { count: micros.count, p50: ms(micros.percentile(50)), p99: ms(micros.percentile(99)), max: ms(micros.max) }
}

process.on('message', (job: OpenLoad) => void new OpenLoop(job).run().then((result) => process.send!(result)))
process.on('disconnect', () => process.exit())
