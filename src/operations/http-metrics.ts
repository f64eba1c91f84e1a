import type { Answer } from '../http/answers.ts'
import { Counter } from './counter.ts'
import { Histogram } from './histogram.ts'
import type { Metric } from './metric.ts'

const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

/** Counts what the HTTP edge tells. Routes are those of the code, so what people type into addresses makes no series. */
export class HttpMetrics {
  readonly #requests = new Counter(
    'agent_studio_http_requests_total',
    'HTTP requests that were answered, or broken off by their clients.',
    ['method', 'route', 'status'],
  )
  readonly #durations = new Histogram(
    'agent_studio_http_request_duration_seconds',
    'How long HTTP requests took until the last byte of their answer; of a stream, how long it was open.',
    BOUNDS,
    ['method', 'route'],
  )
  readonly #streams: Metric

  /** @param openStreams how many streams of events are open at this moment */
  constructor(openStreams: () => number) {
    this.#streams = {
      name: 'agent_studio_open_streams',
      type: 'gauge',
      help: 'Streams of events that are open at this moment.',
      labels: [],
      collect: (sample) => sample([], openStreams()),
    }
  }

  get metrics(): Metric[] {
    return [this.#requests, this.#durations, this.#streams]
  }

  answered({ method, route = 'none', status, seconds }: Answer): void {
    this.#requests.add(1, method, route, status === undefined ? 'none' : String(status))
    this.#durations.observe(seconds, method, route)
  }
}
