/** Requests that are sent at a rate, whether answers come or not. */
export interface OpenLoad {
  port: number
  /** A whole HTTP request. */
  request: string
  /** Requests a second. */
  rate: number
  seconds: number
  /** Each has at most one request at a time; a request that is due and finds none free is not sent. */
  connections: number
}

export interface OpenLoadResult {
  /** How long answers of each status took. */
  statuses: Record<string, Latency>
  /** Connections that broke, by what was said. */
  broken: Record<string, number>
  /** Requests that were due and found no connection free. */
  unsent: number
  unanswered: number
  /** Answers with 2xx, in each second. */
  perSecond: number[]
}

/** Milliseconds, from the time at which a request was due. */
export interface Latency {
  count: number
  p50: number
  p99: number
  max: number
}
